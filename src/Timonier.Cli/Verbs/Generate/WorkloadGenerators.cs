using System.CommandLine;
using Timonier.Api.Json;

namespace Timonier.Cli.Verbs;

/// <summary>create deployment, job, cronjob.</summary>
internal sealed class WorkloadGenerators(CliShell shell) : Generator(shell)
{
    private readonly Option<string[]> _image = new("--image") { Description = "Image names to run." };
    private readonly Argument<string[]> _command = new("command") { Arity = ArgumentArity.ZeroOrMore };

    public Command Deployment()
    {
        var replicas = new Option<int>("--replicas", "-r") { DefaultValueFactory = _ => 1, Description = "Number of replicas to create." };
        var port = new Option<int?>("--port") { Description = "The container port that this container exposes." };
        return Verb("deployment", "Create a deployment with the specified name", call =>
        {
            var (name, images) = (call.Get(Name), call.Get(_image) ?? []);
            if (images.Length == 0)
                throw new CliException("required flag(s) \"image\" not set");
            var labels = new JsonMap { ["app"] = name };
            var deployment = Object("apps/v1", "Deployment", name, labels);
            var containers = new JsonList(images.Select(i => Container(ImageName(i), i, call.Get(_command))));
            if (call.Get(port) is { } number)
                ((JsonMap)containers[0]!)["ports"] = new JsonList { new JsonMap { ["containerPort"] = (long)number } };
            deployment["spec"] = new JsonMap
            {
                ["replicas"] = (long)call.Get(replicas), ["selector"] = new JsonMap { ["matchLabels"] = labels.DeepClone() },
                ["template"] = new JsonMap { ["metadata"] = new JsonMap { ["labels"] = labels.DeepClone() }, ["spec"] = new JsonMap { ["containers"] = containers } },
            };
            return deployment;
        }, ["deploy"], _command, _image, replicas, port);
    }

    /// <summary>The last part of an image's name, without tag: a container's name.</summary>
    private static string ImageName(string image)
    {
        var name = image[(image.LastIndexOf('/') + 1)..];
        var end = name.IndexOfAny([':', '@']);
        return (end < 0 ? name : name[..end]).Replace('_', '-');
    }

    internal static JsonMap Container(string name, string image, IReadOnlyList<string> command)
    {
        var container = new JsonMap { ["name"] = name, ["image"] = image };
        if (command.Count > 0)
            container["command"] = new JsonList(command);
        return container;
    }

    public Command Job()
    {
        var from = new Option<string?>("--from") { Description = "The name of the resource to create a Job from (only cronjob is supported)." };
        return Verb("job", "Create a job with the specified name", async (call, cancel) =>
        {
            var job = Object("batch/v1", "Job", call.Get(Name));
            if (call.Get(from) is { } source)
            {
                if (source.Split('/') is not ["cronjob" or "cronjobs" or "cj" or "cronjob.batch", var cronJob])
                    throw new CliException("from must be an existing cronjob");
                var template = await call.Cluster.Client.GetTreeAsync(new("batch", "v1", "cronjobs"), call.Namespace, cronJob, cancellationToken: cancel);
                job["spec"] = ((JsonMap)((JsonMap)template["spec"]!)["jobTemplate"]!).GetMap("spec")!.DeepClone();
                var metadata = job.GetMap("metadata")!;
                metadata["annotations"] = new JsonMap { ["cronjob.kubernetes.io/instantiate"] = "manual" };
                metadata["ownerReferences"] = new JsonList { new JsonMap { ["apiVersion"] = "batch/v1", ["kind"] = "CronJob", ["name"] = cronJob, ["uid"] = template.GetPath("metadata", "uid"), ["controller"] = true } };
                return job;
            }
            job["spec"] = new JsonMap { ["template"] = PodTemplate(call, call.Get(Name), "Never") };
            return job;
        }, [], _command, _image, from);
    }

    public Command CronJob()
    {
        var schedule = new Option<string>("--schedule") { Required = true, Description = "A schedule in the Cron format the job should be run with." };
        var restart = new Option<string>("--restart") { DefaultValueFactory = _ => "OnFailure", Description = "Job's restart policy. Supported values: OnFailure, Never" };
        return Verb("cronjob", "Create a cron job with the specified name", call =>
        {
            var cronJob = Object("batch/v1", "CronJob", call.Get(Name));
            cronJob["spec"] = new JsonMap
            {
                ["schedule"] = call.Get(schedule),
                ["jobTemplate"] = new JsonMap { ["metadata"] = new JsonMap { ["name"] = call.Get(Name) }, ["spec"] = new JsonMap { ["template"] = PodTemplate(call, call.Get(Name), call.Get(restart)!) } },
            };
            return cronJob;
        }, ["cj"], _command, _image, schedule, restart);
    }

    private JsonMap PodTemplate(CliCall call, string name, string restartPolicy)
    {
        var image = call.Get(_image) is [var one] ? one : throw new CliException("either --image or --from must be specified");
        return new JsonMap { ["spec"] = new JsonMap { ["containers"] = new JsonList { Container(name, image, call.Get(_command)) }, ["restartPolicy"] = restartPolicy } };
    }
}
