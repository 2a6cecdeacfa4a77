using Timonier.Api.Core.V1;
using Timonier.Api.Errors;

namespace Timonier.ApiServer.Validation;

/// <summary>Probes, hooks, and the actions that both may take.</summary>
internal static class ProbeValidation
{
    public static void Probe(Probe? probe, string path, FieldErrors errors, bool onlyOneSuccess = false)
    {
        if (probe is null)
            return;
        Handler(new(probe.Exec, probe.HttpGet, probe.TcpSocket, probe.Grpc, null), path, errors);
        errors.NonNegative($"{path}.initialDelaySeconds", probe.InitialDelaySeconds);
        errors.NonNegative($"{path}.timeoutSeconds", probe.TimeoutSeconds);
        errors.NonNegative($"{path}.periodSeconds", probe.PeriodSeconds);
        errors.NonNegative($"{path}.successThreshold", probe.SuccessThreshold);
        errors.NonNegative($"{path}.failureThreshold", probe.FailureThreshold);
        if (probe.TerminationGracePeriodSeconds is <= 0)
            errors.Invalid($"{path}.terminationGracePeriodSeconds", probe.TerminationGracePeriodSeconds, "must be greater than 0");
        if (onlyOneSuccess && probe.SuccessThreshold != 1)
            errors.Invalid($"{path}.successThreshold", probe.SuccessThreshold, "must be 1");
    }

    public static void Lifecycle(Lifecycle lifecycle, PodSpec spec, string path, FieldErrors errors)
    {
        if (lifecycle.PostStart is { } start)
            Hook(start, spec, $"{path}.postStart", errors);
        if (lifecycle.PreStop is { } stop)
            Hook(stop, spec, $"{path}.preStop", errors);
        if (lifecycle.StopSignal is not null && spec.Os is null)
            errors.Forbidden($"{path}.stopSignal", "may not be set for containers with empty `spec.os.name`");
    }

    private static void Hook(LifecycleHandler hook, PodSpec spec, string path, FieldErrors errors)
    {
        Handler(new(hook.Exec, hook.HttpGet, hook.TcpSocket, null, hook.Sleep), path, errors);
        var grace = spec.TerminationGracePeriodSeconds ?? 30;
        if (hook.Sleep is { } sleep && (sleep.Seconds < 0 || sleep.Seconds > grace))
            errors.Invalid($"{path}.sleep", sleep.Seconds, $"must be non-negative and less than terminationGracePeriodSeconds ({grace})");
    }

    private static void Handler(Actions actions, string path, FieldErrors errors)
    {
        var found = 0;
        foreach (var (name, there) in actions.Names())
        {
            if (there && found++ > 0)
                errors.Forbidden($"{path}.{name}", "may not specify more than 1 handler type");
        }
        if (found == 0)
            errors.Required(path, "must specify a handler type");
        if (actions.Exec is { Command.Count: 0 })
            errors.Required($"{path}.exec.command");
        if (actions.HttpGet is { } http)
        {
            if (http.Path.Length == 0)
                errors.Required($"{path}.httpGet.path");
            errors.PortNumberOrName($"{path}.httpGet.port", http.Port);
            if (http.Scheme is not ("HTTP" or "HTTPS"))
                errors.NotSupported($"{path}.httpGet.scheme", http.Scheme, ["HTTP", "HTTPS"]);
            foreach (var header in http.HttpHeaders)
                errors.Each($"{path}.httpGet.httpHeaders", header.Name, Validation.Names.HttpHeaderName(header.Name));
        }
        if (actions.TcpSocket is { } tcp)
            errors.PortNumberOrName($"{path}.tcpSocket.port", tcp.Port);
        if (actions.Grpc is { } grpc)
            errors.Each($"{path}.grpc.port", grpc.Port, Validation.Names.PortNumber(grpc.Port));
    }

    private sealed record Actions(ExecAction? Exec, HTTPGetAction? HttpGet, TCPSocketAction? TcpSocket, GRPCAction? Grpc, SleepAction? Sleep)
    {
        public IEnumerable<(string Name, bool There)> Names() =>
            [("exec", Exec is not null), ("httpGet", HttpGet is not null), ("tcpSocket", TcpSocket is not null), ("grpc", Grpc is not null), ("sleep", Sleep is not null)];
    }
}
