import Diagnostics
import JSONText
import StackModel

/// One service as the containers of a stack.
struct ServiceLowering {
    let context: LoweringContext
    let name: String
    let service: MemberReader
    let node: ComposeNode
    let location: SourceLocation
    /// What all containers of the service have in common.
    var draft = ResourceDraft()
    /// What must be there first, whatever the container's number.
    var dependencies: [StackDependency] = []
    /// Whether plans that would delete a container are refused.
    var protect = false
    /// The mounts that belong to the service alone, which its steps do not get.
    var anonymousTargets: Set<String> = []

    init(_ context: LoweringContext, _ entry: ComposeMap.Entry) {
        self.context = context
        name = entry.key
        node = entry.value
        location = entry.location
        service = MemberReader(
            entry.value.map ?? ComposeMap(), path: "services.\(entry.key)", at: entry.location, context.findings,
            address: "container.\(entry.key)")
    }

    /// The number of containers.
    var replicas: Int { context.replicas[name] ?? 1 }

    /// The containers, after the steps that run before each.
    mutating func containers() -> [StackResource] {
        refuseWhatCannotBe()
        lowerProcess()
        lowerImage()
        lowerHealthcheck()
        lowerRestart()
        lowerLimits()
        lowerBlockLimits()
        lowerSecurity()
        lowerNamespaces()
        lowerDevices()
        lowerNetworks()
        lowerNames()
        lowerPorts()
        lowerMounts()
        lowerFiles()
        lowerHooks()
        lowerUpdate()
        lowerDeployment()
        lowerExtension()
        lowerDependencies()
        lowerLabels()
        let steps = steps()
        service.finish()
        let own = (0..<replicas).map { container($0 + 1, steps) }
        return steps.flatMap(\.resources) + own
    }

    /// The container of a number.
    private func container(_ number: Int, _ steps: [PreStartStep]) -> StackResource {
        var draft = draft
        for label in ComposeLabels.ofContainer(number) {
            draft.set("labels.\(label.key)", .string(label.value), at: nil)
        }
        var resource = StackResource(
            address: context.container(name, number), attributes: draft.attributes, dependencies: dependencies,
            location: location, protect: protect, locations: draft.locations)
        resource.dependencies += steps.map {
            StackDependency(address: $0.address(for: number), until: .completed)
        }
        return resource
    }

    /// Sets an attribute to a member as it is.
    mutating func set(_ attribute: String, _ value: JSONValue?, _ key: String) {
        draft.set(attribute, value, at: service.location(key))
    }

    mutating func setText(_ attribute: String, _ key: String) {
        set(attribute, service.given(key).map { .string($0) }, key)
    }

    /// Sets a flag; one that is off says no more than none, but for that of `init`, which the daemon may turn on.
    mutating func setFlag(_ attribute: String, _ key: String) {
        guard let isOn = service.flag(key), isOn || key == "init" else { return }
        set(attribute, .bool(isOn), key)
    }

    /// Sets an attribute to a list of texts; an empty one is left out.
    mutating func setTexts(_ attribute: String, _ key: String) {
        guard let texts = service.texts(key), !texts.isEmpty else { return }
        set(attribute, .strings(texts), key)
    }

    /// Sets the members of a group of texts.
    mutating func setTextMap(_ attribute: String, _ key: String) {
        for member in service.textMap(key) {
            draft.set("\(attribute).\(member.key)", .string(member.value), at: member.location)
        }
    }
}
