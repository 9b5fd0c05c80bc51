import Diagnostics
import JSONText
import StackModel

/// What the lowering of one service has to know of the others.
struct LoweringContext {
    let project: ComposeProject
    let options: LoweringOptions
    /// The sealed text of each secret whose value comes from the environment, by the secret's name; nil where the
    /// document is only looked at.
    let sealed: [String: String]?
    /// Where seccomp profiles are read from.
    let files: (any ComposeFiles)?
    let findings: LoweringFindings
    /// Containers of each service.
    let replicas: [String: Int]
    /// Services others wait for until they have ended well.
    let completed: Set<String>
    /// Services whose System V and POSIX memory others use.
    let memoryOwners: Set<String>
    /// Services whose one container has no number.
    let unnumbered: Set<String>
    /// The image resources, by what `image:` may say for them.
    let images: [String: ResourceAddress]

    init(
        _ project: ComposeProject, _ options: LoweringOptions, sealed: [String: String]?,
        files: (any ComposeFiles)?, _ findings: LoweringFindings
    ) {
        self.project = project
        self.options = options
        self.sealed = sealed
        self.files = files
        self.findings = findings
        var replicas: [String: Int] = [:]
        var completed: Set<String> = []
        var owners: Set<String> = []
        var unnumbered: Set<String> = []
        var images: [String: ResourceAddress] = [:]
        for service in project.services.entries {
            replicas[service.key] = Self.replicas(service.key, service.value, options)
            for dependency in service.value["depends_on"]?.map?.entries ?? []
            where dependency.value["condition"]?.string == "service_completed_successfully" {
                completed.insert(dependency.key)
            }
            if service.value["x-stackctl"]?["numbered"]?.bool == false { unnumbered.insert(service.key) }
            if let owner = service.value["ipc"]?.string?.prefixed("service:") { owners.insert(owner) }
            guard options.builds, service.value["build"]?.map != nil else { continue }
            let name = Self.imageName(project, service.key, service.value)
            images[Self.tagged(name)] = ResourceAddress(kind: .image, name: name)
        }
        self.replicas = replicas
        self.completed = completed
        memoryOwners = owners
        self.unnumbered = unnumbered
        self.images = images
    }

    /// The address of a service's container.
    func container(_ service: String, _ number: Int) -> ResourceAddress {
        ResourceAddress(kind: .container, name: service, index: unnumbered.contains(service) ? nil : number)
    }

    /// What a container is called on the host where the file does not say.
    func hostName(_ service: String, _ number: Int) -> String {
        unnumbered.contains(service) ? "\(project.name)-\(service)" : "\(project.name)-\(service)-\(number)"
    }

    /// What the container of a service is called on the host.
    func containerName(_ service: String, _ number: Int) -> String {
        project.services[service]?["container_name"]?.string ?? hostName(service, number)
    }

    /// The image of a name: the stack's own where it makes one.
    func image(_ name: String) -> JSONValue {
        images[Self.tagged(name)].map { StackReference(address: $0, attribute: "id").json } ?? .string(name)
    }

    /// What a service's image is called.
    static func imageName(_ project: ComposeProject, _ service: String, _ node: ComposeNode) -> String {
        node["image"]?.string.flatMap { $0.isEmpty ? nil : $0 } ?? "\(project.name)-\(service)"
    }

    /// `app` is `app:latest`.
    static func tagged(_ name: String) -> String {
        let last = name.split(separator: "/", omittingEmptySubsequences: false).last ?? ""
        return last.contains(":") || last.contains("@") ? name : name + ":latest"
    }

    private static func replicas(_ service: String, _ node: ComposeNode, _ options: LoweringOptions) -> Int {
        if let asked = options.scale[service] { return min(max(asked, 0), mostReplicas) }
        let deploy = node["deploy"]
        if deploy?["mode"]?.string?.hasPrefix("global") == true { return 1 }
        let written = node["scale"] ?? deploy?["replicas"]
        let count = written?.int ?? written?.string.flatMap { Int64($0) } ?? 1
        return Int(min(max(count, 0), Int64(mostReplicas)))
    }

    /// More containers of one service are refused.
    static let mostReplicas = 1_000
}
