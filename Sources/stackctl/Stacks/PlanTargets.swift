import Apply
import Diagnostics
import StackModel

/// `--target` and `--replace`: how far a plan may go.
struct PlanTargets {
    static let target = OptionDeclaration.list(
        "target", nil, .text("ADDRESS"), "Only this resource and what it depends on, such as container.web"
    ).offering(.resources)
    static let replace = OptionDeclaration.list(
        "replace", nil, .text("ADDRESS"), "Recreate this resource although nothing asks for it"
    ).offering(.resources)
    static let destroyed = OptionDeclaration.list(
        "target", nil, .text("ADDRESS"), "Remove only this resource, such as container.web"
    ).offering(.resources)

    private let targets: [String]
    private let replaced: [String]

    init(_ invocation: Invocation) {
        targets = invocation.arguments.values(of: Self.target)
        replaced = invocation.arguments.values(of: Self.replace)
    }

    /// The scope for a document: what is targeted brings what it depends on with it.
    ///
    /// - Throws: a `Diagnostic` for what is no address.
    func scope(of document: StackDocument) throws -> PlanScope {
        var scope = try self.scope()
        guard let targets = scope.targets else { return scope }
        let graph = try DependencyGraph(document.resources)
        var open = graph.resources.indices.filter { scope.covers(graph.resources[$0].address) }
        var seen = Set(open)
        while let position = open.popLast() {
            for edge in graph.edges[position] where seen.insert(edge.target).inserted { open.append(edge.target) }
        }
        scope.targets = targets.union(seen.map { graph.resources[$0].address })
        return scope
    }

    /// The scope with exactly what is targeted.
    func scope() throws(Diagnostic) -> PlanScope {
        var scope = PlanScope()
        if !targets.isEmpty { scope.targets = try Self.addresses(targets) }
        scope.replaced = try Self.addresses(replaced)
        return scope
    }

    /// Finds addresses that lead nowhere.
    ///
    /// - Throws: a `Diagnostic` that names the nearest one.
    func check(_ declared: [ResourceAddress], _ plan: Plan) throws(Diagnostic) {
        let known = Set(declared).union(plan.changes.map(\.address)).union(plan.untouched)
        for text in targets + replaced {
            guard let address = ResourceAddress(text) else { continue }
            let isKnown = known.contains { one in
                one == address || (address.index == nil && one.kind == address.kind && one.name == address.name)
            }
            if isKnown { continue }
            let names = Set(known.map(\.description)).union(
                known.map { ResourceAddress(kind: $0.kind, name: $0.name).description })
            throw Diagnostic(
                code: "SC0179", summary: "stack \(plan.stack) has no resource \(text)",
                hint: nearest(text, among: names.sorted()).map { "did you mean \($0)?" }
                    ?? "`stackctl graph` shows what there is")
        }
    }

    private static func addresses(_ texts: [String]) throws(Diagnostic) -> Set<ResourceAddress> {
        var found: Set<ResourceAddress> = []
        for text in texts {
            guard let address = ResourceAddress(text) else {
                throw Diagnostic(
                    code: "SC0178", summary: "`\(text)` is no resource address",
                    hint: "an address is a kind and a name, such as container.web, or container.web[1] for a replica")
            }
            found.insert(address)
        }
        return found
    }
}
