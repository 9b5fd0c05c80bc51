import Diagnostics
import JSONText
import StackModel

/// A stack's document as the source of a manifest that evaluates to it.
///
/// What is written has the document's resources, attribute by attribute, so that it plans to no change.
package struct ManifestSource {
    private let document: StackDocument
    private let origin: String

    /// - Parameter origin: what the header says it was made from, such as "compose.yaml".
    package init(_ document: StackDocument, origin: String) {
        self.document = document
        self.origin = origin
    }

    /// The text of Stack.swift.
    ///
    /// - Throws: every resource that a manifest cannot say, by name.
    package func text() throws(DiagnosticList) -> String {
        var scope = SourceScope()
        let order: [SourceGroup]
        do {
            let groups = try SourceGroup.groups(of: document)
            for group in groups { scope.groups[group.address] = group }
            order = try Self.ordered(groups)
        } catch {
            throw DiagnosticList(error)
        }
        scope.names = SourceNames()
        // Containers first: most is written about them, so that they get the plain names.
        for group in order.sorted(by: { $0.address.kind == .container && $1.address.kind != .container }) {
            scope.names.add(group.address)
        }
        scope.completed = Set(
            order.flatMap(\.dependencies).filter { $0.until == .completed }.map {
                ResourceAddress(kind: $0.address.kind, name: $0.address.name)
            })
        scope.shared = SharedSettings(order.filter { $0.address.kind == .container }, &scope.names)
        return try text(order, &scope)
    }

    private func text(_ order: [SourceGroup], _ scope: inout SourceScope) throws(DiagnosticList) -> String {
        var problems: [Diagnostic] = []
        var body: [String] = []
        for group in order {
            do {
                body += try declarations(group, &scope).map { "let \($0.variable) = \($0.value)" }
            } catch {
                var located = error
                located.location = located.location ?? document.resource(group.address)?.location
                problems.append(located)
            }
        }
        do {
            body.append(try list(order, scope))
        } catch {
            problems.append(error)
        }
        guard problems.isEmpty else { throw DiagnosticList(problems) }
        let type = SourceNames.type(document.name)
        var members: [String] = []
        if StackName.ofType(type) != document.name {
            members.append("static let name = \(SourceText.literal(document.name))")
        }
        members.append("var resources: Resources {\n\(SourceText.indented(body.joined(separator: "\n")))\n}")
        if let shared = scope.shared { members.append(shared.declaration) }
        let header = origin.split(whereSeparator: \.isNewline).joined(separator: " ")
        return """
            // Made by stackctl from \(header).
            import StackDSL

            @main
            struct \(type): Stack {
            \(SourceText.indented(members.joined(separator: "\n\n")))
            }

            """
    }

    private func declarations(
        _ group: SourceGroup, _ scope: inout SourceScope
    ) throws(Diagnostic) -> [(variable: String, value: String)] {
        let variable = scope.names[group.address] ?? ""
        switch group.address.kind {
        case .network: return [(variable, try PassiveSource.network(group))]
        case .volume: return [(variable, try PassiveSource.volume(group, scope))]
        case .image:
            guard !group.protect else {
                throw Diagnostic(code: "SC1280", summary: "\(group.address).protect is nothing that manifests say")
            }
            var source = try ImageSource(group, scope)
            return try source.declarations(&scope.names)
        case .container:
            var source = ContainerSource(group, scope)
            return [(variable, try source.declaration())]
        }
    }

    /// The final list: what nothing else refers to, and the outputs.
    private func list(_ order: [SourceGroup], _ scope: SourceScope) throws(Diagnostic) -> String {
        let used = Set(order.flatMap { Self.uses(of: $0) })
        var lines: [String] = []
        for group in order where !used.contains(group.address) {
            if let variable = scope.names[group.address] { lines.append(variable) }
        }
        for output in document.outputs {
            var call = SourceCall("Output")
            call.add(SourceText.literal(output.name))
            call.add(try scope.text(output.value, "the output \(output.name)"))
            if output.sensitive { call.add("sensitive", "true") }
            lines.append(call.text)
        }
        return "return Resources {\n\(SourceText.indented(lines.joined(separator: "\n")))\n}"
    }

    /// What a group needs to be declared before it.
    private static func uses(of group: SourceGroup) -> [ResourceAddress] {
        let references = StackReference.references(in: .object(group.attributes)).map(\.address)
        return (references + group.dependencies.map(\.address)).map {
            ResourceAddress(kind: $0.kind, name: $0.name)
        }
    }

    /// Each group after what it uses; networks, volumes and images before containers where that leaves a choice.
    private static func ordered(_ groups: [SourceGroup]) throws(Diagnostic) -> [SourceGroup] {
        let kinds: [ResourceKind] = [.network, .volume, .image, .container]
        let sorted = kinds.flatMap { kind in groups.filter { $0.address.kind == kind } }
        let known = Dictionary(sorted.map { ($0.address, $0) }) { first, _ in first }
        var marks: [ResourceAddress: Mark] = [:]
        var result: [SourceGroup] = []
        // A stack of its own: a chain may be as long as there are groups.
        var path: [(group: SourceGroup, rest: ArraySlice<ResourceAddress>)] = []
        for start in sorted where marks[start.address] == nil {
            marks[start.address] = .entered
            path.append((start, uses(of: start)[...]))
            while let step = path.last {
                guard let next = step.rest.first else {
                    result.append(step.group)
                    marks[step.group.address] = .left
                    path.removeLast()
                    continue
                }
                path[path.count - 1].rest.removeFirst()
                guard let other = known[next], marks[next] != .left else { continue }
                guard marks[next] == nil else {
                    throw Diagnostic(
                        code: "SC1283", summary: "the resources depend on each other in a circle",
                        detail: (path.map(\.group.address) + [next]).map(\.description).joined(separator: " → "))
                }
                marks[next] = .entered
                path.append((other, uses(of: other)[...]))
            }
        }
        return result
    }

    private enum Mark { case entered, left }
}
