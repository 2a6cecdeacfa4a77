using Timonier.Client;
using Timonier.Controllers.Autoscaling;
using Timonier.Controllers.CertificateCleanup;
using Timonier.Controllers.Disruption;
using Timonier.Controllers.Endpoints;
using Timonier.Controllers.EndpointSlice;
using Timonier.Controllers.EphemeralVolume;
using Timonier.Controllers.GarbageCollection;
using Timonier.Controllers.LocalPath;
using Timonier.Controllers.Namespace;
using Timonier.Controllers.NodeIpam;
using Timonier.Controllers.NodeLifecycle;
using Timonier.Controllers.PodGc;
using Timonier.Controllers.RootCa;
using Timonier.Controllers.ServiceAccount;
using Timonier.Controllers.TaintEviction;
using Timonier.Controllers.VolumeBinding;
using Timonier.Controllers.VolumeProtection;

namespace Timonier.Controllers;

/// <content>The controllers that keep the cluster itself.</content>
public sealed partial class ControllerManager
{
    private static IReadOnlyList<IControllerLoop> Cluster(ControllerContext context, ControllerOptions options) =>
    [
        new NamespaceController(context),
        new ServiceAccountController(context),
        new RootCaPublisher(context, options.RootCaPem),
        new EndpointsController(context),
        new EndpointSliceController(context),
        new EndpointSliceMirroringController(context),
        new GarbageCollector(context),
        new PodGcController(context),
        new NodeIpamController(context, options.ClusterCidr),
        new NodeLifecycleController(context),
        new TaintEvictionController(context),
        new DisruptionController(context),
        new StaleDisruptionController(context),
        new HorizontalController(context),
        new CertificateCleaner(context),
        new VolumeBinder(context),
        new ClaimProtectionController(context),
        new VolumeProtectionController(context),
        new EphemeralVolumeController(context),
        .. options.LocalVolumes is null ? [] : new IControllerLoop[] { new LocalPathProvisioner(context, options.LocalVolumes, options.VolumesDirectory) },
    ];
}
