import Diagnostics
import JSONText
import StackModel

/// A network or volume of a project as a resource.
struct SharedLowering {
    let context: LoweringContext
    let kind: ResourceKind
    let key: String
    let node: ComposeNode
    let reader: MemberReader
    private var draft = ResourceDraft()

    init(_ context: LoweringContext, _ kind: ResourceKind, _ entry: ComposeMap.Entry) {
        self.context = context
        self.kind = kind
        key = entry.key
        node = entry.value
        reader = MemberReader(
            entry.value.map ?? ComposeMap(), path: "\(kind.rawValue)s.\(entry.key)", at: entry.location,
            context.findings, address: "\(kind.rawValue).\(entry.key)")
    }

    mutating func resource() -> StackResource {
        var protect = false
        reader.skip("external")
        if let name = reader.given("name"), name != "\(context.project.name)_\(key)" {
            set("name", .string(name), "name")
        }
        if kind == .network { lowerNetwork() } else { protect = lowerVolume() }
        for label in reader.textMap("labels") {
            draft.set("labels.\(label.key)", .string(label.value), at: label.location)
        }
        for label in ComposeLabels.ofShared(
            kind == .network ? ComposeLabels.network : ComposeLabels.volume, key, node, in: context.project)
        { draft.set("labels.\(label.key)", .string(label.value), at: nil) }
        reader.finish()
        return StackResource(
            address: ResourceAddress(kind: kind, name: key), attributes: draft.attributes, location: reader.location,
            protect: protect, locations: draft.locations)
    }

    private mutating func set(_ attribute: String, _ value: JSONValue?, _ key: String) {
        draft.set(attribute, value, at: reader.location(key))
    }

    private mutating func lowerNetwork() {
        let driver = reader.given("driver") ?? "bridge"
        let drivers = ["default", "bridge", "macvlan", "ipvlan"]
        if drivers.contains(driver) {
            if driver != "default" { set("driver", .string(driver), "driver") }
        } else {
            reader.refuse(
                "driver", "SC2414", "is \(driver), which this engine does not have",
                detail: driver == "overlay" ? "Overlay networks belong to clusters." : nil,
                hint: "use bridge, macvlan or ipvlan")
        }
        lowerOptions()
        if reader.flag("internal") == true { set("internal", true, "internal") }
        if reader.flag("attachable") == true { set("attachable", true, "attachable") }
        if reader.flag("enable_ipv6") == true { set("ipv6", true, "enable_ipv6") }
        if reader.flag("enable_ipv4") == false {
            reader.refuse("enable_ipv4", "SC2414", "is false: networks here always have IPv4")
        }
        if let ipam = reader.reader("ipam") { lowerAddresses(ipam) }
    }

    private mutating func lowerOptions() {
        let options = reader.textMap("driver_opts")
        guard !options.isEmpty else { return }
        set("options", .object(JSONObject(options.map { ($0.key, .string($0.value)) })), "driver_opts")
    }

    private mutating func lowerAddresses(_ ipam: MemberReader) {
        if let driver = ipam.given("driver"), driver != "default" {
            ipam.refuse("driver", "SC2414", "is \(driver): addresses are given by the engine itself")
        }
        if let options = ipam.reader("options"), !options.keys.isEmpty {
            ipam.warn("options", "SC2451", "ipam.options", "are not honoured, as in Docker Compose")
        }
        for pool in ipam.readers("config") { lowerPool(pool) }
        ipam.finish()
    }

    private mutating func lowerPool(_ pool: MemberReader) {
        let subnet = pool.given("subnet")
        let suffix = subnet?.contains(":") == true ? "6" : ""
        if draft.attributes["subnet\(suffix)"] != nil {
            pool.refuse("subnet", "SC2414", "is one too many: a network has one of IPv4 and one of IPv6")
        }
        for (attribute, key) in [("subnet", "subnet"), ("gateway", "gateway"), ("range", "ip_range")] {
            draft.set(attribute + suffix, pool.given(key).map { .string($0) }, at: pool.location(key))
        }
        let auxiliary = pool.textMap("aux_addresses")
        if !auxiliary.isEmpty {
            draft.set(
                "auxiliary\(suffix)", .object(JSONObject(auxiliary.map { ($0.key, .string($0.value)) })),
                at: pool.location("aux_addresses"))
        }
        pool.finish()
    }

    /// - Returns: whether plans that would delete it are refused.
    private mutating func lowerVolume() -> Bool {
        let driver = reader.given("driver") ?? "local"
        if driver == "local" || driver == "default" {
            set("driver", "local", "driver")
        } else {
            reader.refuse(
                "driver", "SC2415", "is \(driver), which this engine does not have",
                hint: "use local, whose driver_opts mount what mount(8) can")
        }
        lowerOptions()
        guard let own = reader.reader("x-stackctl") else { return false }
        let protect = own.flag("protect") ?? false
        own.finish()
        return protect
    }
}
