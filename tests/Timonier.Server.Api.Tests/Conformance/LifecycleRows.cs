namespace Timonier.Server.Api.Tests.Conformance;

/// <summary>The kinds of <see cref="LifecycleTests"/>.</summary>
public static class LifecycleRows
{
    private const string Core = "/api/v1";
    private const string Apps = "/apis/apps/v1";
    private const string Batch = "/apis/batch/v1";
    private const string Network = "/apis/networking.k8s.io/v1";
    private const string Dra = "/apis/resource.k8s.io/v1";
    private const string Flow = "/apis/flowcontrol.apiserver.k8s.io/v1";
    private const string Rbac = "/apis/rbac.authorization.k8s.io/v1";
    private const string Registration = "/apis/admissionregistration.k8s.io/v1";
    private const string Storage = "/apis/storage.k8s.io/v1";

    private const string Containers = """{"containers":[{"name":"c","image":"i"}]}""";
    private const string Template = $$$$$"""{"metadata":{"labels":{"a":"b"}},"spec":{{{{{Containers}}}}}}""";
    private const string Workload = $$$$$"""{"selector":{"matchLabels":{"a":"b"}},"template":{{{{{Template}}}}}}""";
    private const string Condition = """{"conditions":[{"type":"StatusPatched","status":"True","reason":"E2E","message":"set by a test","lastTransitionTime":"2026-01-01T00:00:00Z"}]}""";
    private const string JobTemplate = $$$$$"""{"spec":{"suspend":true,"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"i"}]}}}}""";
    private const string Devices = """{"devices":{"requests":[{"name":"r","exactly":{"deviceClassName":"c"}}]}}""";
    private const string Claim = """{"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1Mi"}},"storageClassName":"none-such"}""";

    public static TheoryData<LifecycleRow> All => new([.. Workloads, .. Cluster, .. Networks, .. DeviceClaims, .. Volumes, .. OfTheServer, .. Admission, .. Rules]);

    private static IEnumerable<LifecycleRow> Workloads =>
    [
        new("Pods should patch a pod status", Core, "pods", $$$$$"""{"spec":{{{{{Containers}}}}}}""") { Status = """{"message":"patched","reason":"Testing"}""" },
        new("PodTemplates should replace a pod template", Core, "podtemplates", $$$$$"""{"template":{{{{{Template}}}}}}"""),
        new("ReplicationController should get and update a ReplicationController scale", Core, "replicationcontrollers", $$$$$"""{"spec":{"replicas":0,"selector":{"a":"b"},"template":{{{{{Template}}}}}}}""") { Scale = true, Status = Condition },
        new("ControllerRevision should manage the lifecycle of a ControllerRevision", Apps, "controllerrevisions", """{"revision":1,"data":{"spec":{"any":["thing"]}}}"""),
        new("Daemon set should list and delete a collection of DaemonSets; should verify changes to a daemon set status", Apps, "daemonsets", $$$$$"""{"spec":{{{{{Workload}}}}}}""") { Status = Condition },
        new("Deployment should have a working scale subresource; should validate Deployment Status endpoints", Apps, "deployments", $$$$$"""{"spec":{{{{{Workload}}}}}}""") { Status = Condition, Scale = true },
        new("ReplicaSet Replace and Patch tests; Replicaset should have a working scale subresource; should list and delete a collection; should validate Replicaset Status endpoints", Apps, "replicasets", $$$$$"""{"spec":{{{{{Workload}}}}}}""") { Status = Condition, Scale = true },
        new("StatefulSet should list, patch and delete a collection of StatefulSets; should validate Statefulset Status endpoints", Apps, "statefulsets", $$$$$"""{"spec":{{{{{Workload}}}}}}""") { Status = Condition, Scale = true },
        new("Job should manage the lifecycle of a job; should apply changes to a job status", Batch, "jobs", JobTemplate) { Status = Condition },
        new("CronJob should support CronJob API operations", Batch, "cronjobs", $$$$$"""{"spec":{"schedule":"0 0 1 1 *","suspend":true,"jobTemplate":{{{{{JobTemplate}}}}}}}""") { Status = """{"lastScheduleTime":"2026-01-01T00:00:00Z"}""" },
        new("DisruptionController should list and delete a collection of PodDisruptionBudgets; should update/patch PodDisruptionBudget status", "/apis/policy/v1", "poddisruptionbudgets", """{"spec":{"minAvailable":1,"selector":{"matchLabels":{"a":"b"}}}}""") { Status = """{"disruptedPods":{"p":"2026-01-01T00:00:00Z"},"disruptionsAllowed":0,"currentHealthy":0,"desiredHealthy":1,"expectedPods":0}""" },
        new("HorizontalPodAutoscaler", "/apis/autoscaling/v2", "horizontalpodautoscalers", """{"spec":{"scaleTargetRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"none"},"minReplicas":1,"maxReplicas":3}}""") { Status = """{"currentReplicas":1,"desiredReplicas":1,"currentMetrics":null}""" },
        new("PriorityClass endpoints verify PriorityClass endpoints can be operated with different HTTP methods", "/apis/scheduling.k8s.io/v1", "priorityclasses", """{"value":7,"description":"d"}""") { Namespaced = false },
        new("RuntimeClass should support RuntimeClasses API operations", "/apis/node.k8s.io/v1", "runtimeclasses", """{"handler":"h","overhead":{"podFixed":{"cpu":"10m"}}}""") { Namespaced = false },
    ];

    private static IEnumerable<LifecycleRow> Cluster =>
    [
        new("ConfigMap should update ConfigMap successfully", Core, "configmaps", """{"data":{"a":"b"}}"""),
        new("Secrets should patch a secret", Core, "secrets", """{"data":{"a":"Yg=="},"type":"Opaque"}"""),
        new("ServiceAccounts should update a ServiceAccount", Core, "serviceaccounts", """{"automountServiceAccountToken":false}"""),
        new("LimitRange should list, patch and delete a LimitRange by collection", Core, "limitranges", """{"spec":{"limits":[{"type":"Container","default":{"cpu":"500m"},"defaultRequest":{"cpu":"100m"}}]}}"""),
        new("ResourceQuota should manage the lifecycle of a ResourceQuota; should apply changes to a resourcequota status", Core, "resourcequotas", """{"spec":{"hard":{"cpu":"1","memory":"500Mi"}}}""") { Status = """{"hard":{"cpu":"2","memory":"1Gi"}}""" },
        new("Namespaces should apply an update to a Namespace; should apply changes to a namespace status", Core, "namespaces", "{}") { Namespaced = false, DeletesCollection = false, Status = Condition },
        new("Node Lifecycle should run through the lifecycle of a node", Core, "nodes", """{"spec":{"unschedulable":true}}""") { Namespaced = false, Status = Condition },
        new("Lease API should be available", "/apis/coordination.k8s.io/v1", "leases", """{"spec":{"holderIdentity":"h","leaseDurationSeconds":30}}"""),
    ];

    private static IEnumerable<LifecycleRow> Networks =>
    [
        new("Services should complete a service status lifecycle; should delete a collection of services", Core, "services", """{"spec":{"type":"LoadBalancer","ports":[{"port":80}]}}""") { Status = """{"loadBalancer":{"ingress":[{"ip":"203.0.113.1"}]}}""" },
        new("Endpoints should test the lifecycle of an Endpoint", Core, "endpoints", """{"subsets":[{"addresses":[{"ip":"10.0.0.24"}],"ports":[{"name":"http","port":80}]}]}"""),
        new("EndpointSlice should support creating EndpointSlice API operations", "/apis/discovery.k8s.io/v1", "endpointslices", """{"addressType":"IPv4","endpoints":[{"addresses":["1.2.3.4"],"conditions":{"ready":true}}],"ports":[{"name":"http","port":80}]}"""),
        new("Ingress API should support creating Ingress API operations", Network, "ingresses", """{"spec":{"defaultBackend":{"service":{"name":"s","port":{"number":80}}}}}""") { Status = """{"loadBalancer":{"ingress":[{"ip":"203.0.113.2"}]}}""" },
        new("IngressClass API should support creating IngressClass API operations", Network, "ingressclasses", """{"spec":{"controller":"example.com/c"}}""") { Namespaced = false },
        new("NetworkPolicy API", Network, "networkpolicies", """{"spec":{"podSelector":{},"policyTypes":["Ingress"]}}"""),
        new("ServiceCIDR and IPAddress API should support IPAddress API operations", Network, "ipaddresses", """{"spec":{"parentRef":{"resource":"services","namespace":"default","name":"s"}}}""") { Namespaced = false, Name = "192.168.1.2" },
        new("ServiceCIDR and IPAddress API should support ServiceCIDR API operations", Network, "servicecidrs", """{"spec":{"cidrs":["10.1.0.0/24"]}}""") { Namespaced = false, Status = Condition },
    ];

    private static IEnumerable<LifecycleRow> DeviceClaims =>
    [
        new("CRUD Tests resource.k8s.io/v1 DeviceClass", Dra, "deviceclasses", """{"spec":{"selectors":[{"cel":{"expression":"device.driver == \"d.example.com\""}}]}}""") { Namespaced = false },
        new("CRUD Tests resource.k8s.io/v1 ResourceClaim", Dra, "resourceclaims", $$$$$"""{"spec":{{{{{Devices}}}}}}""") { Status = """{"allocation":{"devices":{"results":[{"request":"r","driver":"d.example.com","pool":"p","device":"d0"}]}}}""" },
        new("CRUD Tests resource.k8s.io/v1 ResourceClaimTemplate", Dra, "resourceclaimtemplates", $$$$$"""{"spec":{"spec":{{{{{Devices}}}}}}}"""),
        new("CRUD Tests resource.k8s.io/v1 ResourceSlice", Dra, "resourceslices", """{"spec":{"allNodes":true,"driver":"d.example.com","pool":{"name":"p","generation":1,"resourceSliceCount":1},"devices":[{"name":"d0"}]}}""") { Namespaced = false },
    ];

    private static IEnumerable<LifecycleRow> OfTheServer =>
    [
        new("API priority and fairness should support FlowSchema API operations", Flow, "flowschemas", """{"spec":{"matchingPrecedence":9999,"priorityLevelConfiguration":{"name":"global-default"},"rules":[{"subjects":[{"kind":"User","user":{"name":"e2e"}}],"nonResourceRules":[{"nonResourceURLs":["*"],"verbs":["*"]}]}],"distinguisherMethod":{"type":"ByUser"}}}""") { Namespaced = false, Status = """{"conditions":[{"type":"StatusPatched","status":"True","reason":"E2E","message":"set by a test","lastTransitionTime":"2026-01-01T00:00:00Z"}]}""" },
        new("API priority and fairness should support PriorityLevelConfiguration API operations", Flow, "prioritylevelconfigurations", """{"spec":{"type":"Limited","limited":{"nominalConcurrencyShares":2,"limitResponse":{"type":"Reject"}}}}""") { Namespaced = false, Status = """{"conditions":[{"type":"StatusPatched","status":"True","reason":"E2E","message":"set by a test","lastTransitionTime":"2026-01-01T00:00:00Z"}]}""" },
        new("Events should manage the lifecycle of an event", Core, "events", """{"involvedObject":{"namespace":"life-events"},"reason":"Test","message":"a test event","type":"Normal"}"""),
    ];

    private static IEnumerable<LifecycleRow> Volumes =>
    [
        new("PersistentVolumes should run through the lifecycle of a PV; should apply changes to a pv status", Core, "persistentvolumes", """{"spec":{"capacity":{"storage":"1Mi"},"accessModes":["ReadWriteOnce"],"csi":{"driver":"d.example.com","volumeHandle":"h"},"storageClassName":"none-such"}}""") { Namespaced = false, Status = """{"message":"StatusPatched","reason":"E2E"}""" },
        new("PersistentVolumes should run through the lifecycle of a PVC; should apply changes to a pvc status", Core, "persistentvolumeclaims", $$$$$"""{"spec":{{{{{Claim}}}}}}""") { Status = """{"conditions":[{"type":"StatusPatched","status":"True"}]}""" },
        new("StorageClasses should run through the lifecycle of a StorageClass", Storage, "storageclasses", """{"provisioner":"none.example.com","reclaimPolicy":"Retain"}""") { Namespaced = false },
        new("CSIInlineVolumes should run through the lifecycle of a CSIDriver", Storage, "csidrivers", """{"spec":{"attachRequired":false,"podInfoOnMount":true,"volumeLifecycleModes":["Ephemeral"]}}""") { Namespaced = false },
        new("CSINodes should run through the lifecycle of a csinode", Storage, "csinodes", """{"spec":{"drivers":[{"name":"d.example.com","nodeID":"n"}]}}""") { Namespaced = false },
        new("CSIStorageCapacity should support CSIStorageCapacities API operations", Storage, "csistoragecapacities", """{"storageClassName":"none-such","capacity":"1Gi"}"""),
        new("VolumeAttachment should run through the lifecycle of a VolumeAttachment; should apply changes to a volumeattachment status", Storage, "volumeattachments", """{"spec":{"attacher":"d.example.com","nodeName":"n","source":{"persistentVolumeName":"v"}}}""") { Namespaced = false, Status = """{"attached":true,"attachmentMetadata":{"a":"b"}}""" },
        new("VolumeAttributesClass should run through the lifecycle of a VolumeAttributesClass", Storage, "volumeattributesclasses", """{"driverName":"d.example.com","parameters":{"iops":"1"}}""") { Namespaced = false },
    ];

    private const string Deployments = """{"resourceRules":[{"apiGroups":["apps"],"apiVersions":["v1"],"operations":["CREATE"],"resources":["deployments"]}]}""";
    private const string Webhooks = """{"webhooks":[{"name":"w.example.com","clientConfig":{"url":"https://127.0.0.1:1/none"},"sideEffects":"None","admissionReviewVersions":["v1"],"rules":[{"apiGroups":["none.example.com"],"apiVersions":["v1"],"operations":["CREATE"],"resources":["nones"]}]}]}""";

    private static IEnumerable<LifecycleRow> Admission =>
    [
        new("ValidatingAdmissionPolicy should support ValidatingAdmissionPolicy API operations", Registration, "validatingadmissionpolicies", $$$$$"""{"spec":{"matchConstraints":{{{{{Deployments}}}}},"validations":[{"expression":"object.spec.replicas <= 100"}]}}""") { Namespaced = false, Status = Condition },
        new("ValidatingAdmissionPolicy should support ValidatingAdmissionPolicyBinding API operations", Registration, "validatingadmissionpolicybindings", """{"spec":{"policyName":"none","validationActions":["Deny"]}}""") { Namespaced = false },
        new("MutatingAdmissionPolicy should support MutatingAdmissionPolicy API operations", Registration, "mutatingadmissionpolicies", $$$$$"""{"spec":{"matchConstraints":{{{{{Deployments}}}}},"reinvocationPolicy":"Never","mutations":[{"patchType":"ApplyConfiguration","applyConfiguration":{"expression":"Object{spec: Object.spec{replicas: 3}}"}}]}}""") { Namespaced = false },
        new("MutatingAdmissionPolicy should support MutatingAdmissionPolicyBinding API operations", Registration, "mutatingadmissionpolicybindings", """{"spec":{"policyName":"none"}}""") { Namespaced = false },
        new("AdmissionWebhook listing validating webhooks should work; patching/updating a validating webhook should work", Registration, "validatingwebhookconfigurations", Webhooks) { Namespaced = false },
        new("AdmissionWebhook listing mutating webhooks should work; patching/updating a mutating webhook should work", Registration, "mutatingwebhookconfigurations", Webhooks) { Namespaced = false },
        new("CustomResourceDefinition listing custom resource definition objects works; getting/updating/patching custom resource definition status sub-resource works", "/apis/apiextensions.k8s.io/v1", "customresourcedefinitions", """{"spec":{"group":"life.example.com","scope":"Cluster","names":{"plural":"lives","kind":"Life"},"versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object"}}}]}}""") { Namespaced = false, Name = "lives.life.example.com", Status = """{"storedVersions":["v1"]}""" },
        new("Aggregator Should be able to support the 1.17 Sample API Server using the current Aggregator (the APIService's own operations)", "/apis/apiregistration.k8s.io/v1", "apiservices", """{"spec":{"group":"far.example.com","version":"v1","groupPriorityMinimum":1,"versionPriority":1,"service":{"namespace":"default","name":"none"}}}""") { Namespaced = false, Name = "v1.far.example.com", Status = Condition },
    ];

    private static IEnumerable<LifecycleRow> Rules =>
    [
        new("ClusterRole", Rbac, "clusterroles", """{"rules":[{"apiGroups":[""],"resources":["pods"],"verbs":["get"]}]}""") { Namespaced = false },
        new("ClusterRoleBinding", Rbac, "clusterrolebindings", """{"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"view"},"subjects":[{"kind":"Group","apiGroup":"rbac.authorization.k8s.io","name":"nobody"}]}""") { Namespaced = false },
        new("Role", Rbac, "roles", """{"rules":[{"apiGroups":[""],"resources":["pods"],"verbs":["get"]}]}"""),
        new("RoleBinding", Rbac, "rolebindings", """{"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"view"},"subjects":[{"kind":"Group","apiGroup":"rbac.authorization.k8s.io","name":"nobody"}]}"""),
        new("Events API should ensure that an event can be fetched, patched, deleted, and listed; should delete a collection of events", "/apis/events.k8s.io/v1", "events", """{"regarding":{"namespace":"life-newevents"},"reason":"Test","action":"Do","note":"a test event","type":"Normal","eventTime":"2026-01-01T00:00:00.000000Z","reportingController":"e2e.example.com/c","reportingInstance":"i"}""") { Space = "life-newevents" },
    ];
}
