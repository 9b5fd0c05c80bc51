import Compose
import Diagnostics
import JSONText
import StackModel

/// Projects in canonical form, written as JSON.
struct LoweringLab {
    var project: ComposeProject

    /// A project named `shop` in `/srv/shop`, each line of which is counted as its members are met.
    init(_ text: String) throws {
        let json = try JSONValue.parse(text)
        project = ComposeProject(name: "shop", directory: "/srv/shop", files: ["/srv/shop/compose.yaml"])
        var line = 0
        func members(_ name: String) -> ComposeMap { Self.node(json[name] ?? [:], &line).map ?? ComposeMap() }
        project.services = members("services")
        project.networks = members("networks")
        project.volumes = members("volumes")
        project.secrets = members("secrets")
        project.configs = members("configs")
        for (name, value) in json["environment"]?.objectValue ?? [:] {
            project.environment[name] = value.stringValue
        }
    }

    /// A project with one service `web` of these attributes.
    init(web attributes: String, with others: String = "") throws {
        try self.init(
            #"{"services": {"web": {"image": "nginx", "networks": {"default": null}\#(attributes.isEmpty ? "" : ", ")\#(attributes)}}, "networks": {"default": {"name": "shop_default"}}\#(others.isEmpty ? "" : ", ")\#(others)}"#
        )
    }

    static func node(_ json: JSONValue, _ line: inout Int) -> ComposeNode {
        let place = SourceLocation(file: "compose.yaml", line: line)
        switch json {
        case .null: return ComposeNode(.null, at: place)
        case .bool(let flag): return ComposeNode(.bool(flag), at: place)
        case .int(let number): return ComposeNode(.int(number), at: place)
        case .double(let number): return ComposeNode(.double(number), at: place)
        case .string(let text): return ComposeNode(.string(text), at: place)
        case .array(let elements): return ComposeNode(.list(elements.map { node($0, &line) }), at: place)
        case .object(let object):
            var map = ComposeMap()
            for (key, value) in object {
                line += 1
                let location = SourceLocation(file: "compose.yaml", line: line)
                map.set(ComposeMap.Entry(key: key, value: node(value, &line), location: location))
            }
            return ComposeNode(.map(map), at: place)
        }
    }

    func document(
        _ options: LoweringOptions = LoweringOptions(), seal: [String: String]? = [:]
    ) throws(DiagnosticList) -> StackDocument {
        try project.document(options, seal: seal)
    }

    /// The attributes of a resource.
    func attributes(_ address: String = "container.web[1]") throws -> JSONObject? {
        try document().resources.first { $0.address.description == address }?.attributes
    }

    /// The codes of what lowering says, with the attribute each is about.
    func codes() -> [String] {
        do {
            return try document().diagnostics.map(\.code)
        } catch {
            return error.diagnostics.map(\.code)
        }
    }
}
