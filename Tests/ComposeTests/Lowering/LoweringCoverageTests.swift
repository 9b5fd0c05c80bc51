import Diagnostics
import StackModel
import Testing

@testable import Compose

@Suite("every attribute of the schema is lowered, refused or warned about")
struct LoweringCoverageTests {
    private static let place = SourceLocation(file: "compose.yaml", line: 1)

    @Test("none of a service is passed over", arguments: ComposeSchema.service.attributes.keys.sorted())
    func service(key: String) throws {
        let type = try #require(ComposeSchema.service.attributes[key])
        var service = ComposeMap()
        service["image"] = ComposeNode(.string("x"), at: Self.place)
        service[key] = Self.sample(type)
        var project = ComposeProject(name: "shop", directory: "/", files: [])
        project.services["web"] = ComposeNode(.map(service), at: Self.place)
        #expect(Self.unknown(project) == [])
    }

    @Test("none of the other elements is passed over", arguments: ["networks", "volumes"])
    func element(section: String) throws {
        guard case .object(let file) = ComposeSchema.file, case .map(_, let type)? = file.attributes[section] else {
            Issue.record("the schema has no \(section)")
            return
        }
        var project = ComposeProject(name: "shop", directory: "/", files: [])
        var sample = try #require(Self.sample(type).map)
        sample.remove("external")
        let node = ComposeNode(.map(sample), at: Self.place)
        project.networks["x"] = section == "networks" ? node : nil
        project.volumes["x"] = section == "volumes" ? node : nil
        let networks = ComposeNode.map([("x", ComposeNode(.null, at: Self.place))], at: Self.place)
        project.services["web"] = .map(
            [("image", .string("x", at: Self.place)), ("networks", networks)], at: Self.place)
        #expect(Self.unknown(project) == [])
    }

    private static func unknown(_ project: ComposeProject) -> [String] {
        do {
            return try project.document().diagnostics.filter { $0.code == "SC2400" }.map(\.summary)
        } catch {
            return error.diagnostics.filter { $0.code == "SC2400" }.map(\.summary)
        }
    }

    /// A value with every attribute that a type has, in its long form.
    private static func sample(_ type: SchemaType) -> ComposeNode {
        switch type {
        case .any, .scalar, .text, .size: node(.string("x"))
        case .null: node(.null)
        case .flag: node(.bool(true))
        case .whole, .mode: node(.int(1))
        case .number: node(.double(1))
        case .list(let element, _, _): node(.list([sample(element)]))
        case .map(_, let element): .map([("k", sample(element))], at: place)
        case .object(let object):
            .map(object.attributes.sorted { $0.key < $1.key }.map { ($0.key, sample($0.value)) }, at: place)
        case .either(let types): sample(types.max { rank($0) < rank($1) } ?? .any)
        }
    }

    private static func rank(_ type: SchemaType) -> Int {
        switch type {
        case .object: 5
        case .map: 4
        case .list: 3
        case .either: 2
        case .null: 0
        default: 1
        }
    }

    private static func node(_ value: ComposeNode.Value) -> ComposeNode { ComposeNode(value, at: place) }
}
