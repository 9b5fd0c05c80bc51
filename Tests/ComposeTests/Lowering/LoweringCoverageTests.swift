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

    @Test("none of the other elements is passed over", arguments: ["networks", "volumes", "secrets", "configs"])
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
        project.secrets["x"] = section == "secrets" ? node : nil
        project.configs["x"] = section == "configs" ? node : nil
        let networks = ComposeNode.map([("x", ComposeNode(.null, at: Self.place))], at: Self.place)
        project.services["web"] = .map(
            [("image", .string("x", at: Self.place)), ("networks", networks)], at: Self.place)
        #expect(Self.unknown(project) == [])
    }

    @Test(
        "whatever stands in place of a value is told of and traps nowhere",
        arguments: ComposeSchema.service.attributes.keys.sorted())
    func hostile(key: String) throws {
        let sample = Self.sample(try #require(ComposeSchema.service.attributes[key]))
        for attribute in Self.variants(of: sample) {
            var service = ComposeMap()
            service["image"] = ComposeNode(.string("x"), at: Self.place)
            service[key] = attribute
            var project = ComposeProject(name: "shop", directory: "/", files: [])
            project.services["web"] = ComposeNode(.map(service), at: Self.place)
            project.services["x"] = project.services["web"]
            project.networks["k"] = Self.sample(.any)
            project.volumes["x"] = attribute
            project.secrets["x"] = attribute
            guard let document = try? project.document(seal: nil) else { continue }
            _ = ComposeExport.yaml(of: document)
        }
    }

    private static let hostile: [ComposeNode.Value] = [
        .null, .bool(true), .int(-1), .int(.max), .double(1e300), .string(""), .string(":"),
        .string("="), .string("service:x"), .string("9223372036854775807"), .list([]),
        .list([ComposeNode(.list([]), at: place)]), .map(ComposeMap()),
    ]

    /// The value with each of its parts replaced, one at a time, by each hostile one.
    private static func variants(of value: ComposeNode) -> [ComposeNode] {
        var variants = hostile.map { ComposeNode($0, at: place) }
        switch value.value {
        case .list(let elements):
            for (offset, element) in elements.enumerated() {
                for variant in Self.variants(of: element) {
                    var copy = elements
                    copy[offset] = variant
                    variants.append(node(.list(copy)))
                }
            }
        case .map(let map):
            for entry in map.entries {
                for variant in Self.variants(of: entry.value) {
                    var copy = map
                    copy[entry.key] = variant
                    variants.append(node(.map(copy)))
                }
            }
        default: break
        }
        return variants
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
