/// Finds who answers a method and a path.
struct Router: Sendable {
    /// Answers a request.
    typealias Handler = @Sendable (APIRequest) async throws -> Void

    private enum Part: Sendable { case literal(String), one(String), rest(String) }

    private struct Route: Sendable {
        let method: String
        let parts: [Part]
        let handler: Handler
    }

    /// Routes by their first part: the others need not be looked at.
    private var routes: [String: [Route]] = [:]

    /// Adds a route.
    ///
    /// `{name}` stands for one part, `{name…}` for one or more.
    mutating func on(_ method: String, _ pattern: String, _ handler: @escaping Handler) {
        let parts = pattern.split(separator: "/").map { part -> Part in
            guard part.hasPrefix("{") else { return .literal(String(part)) }
            let name = part.dropFirst().dropLast()
            return name.hasSuffix("…") ? .rest(String(name.dropLast())) : .one(String(name))
        }
        guard case .literal(let first) = parts.first else { return }
        routes[first, default: []].append(Route(method: method, parts: parts, handler: handler))
    }

    /// The handler of a request, with what its variables stand for.
    ///
    /// HEAD is answered by GET's handler. Where nothing fits, the first variable may stand for several parts: a name with
    /// a slash is a name that is not there, and no page that is not.
    func match(_ method: String, _ path: String) -> (handler: Handler, variables: [String: String])? {
        let parts = path.split(separator: "/").map { String($0) }
        guard let first = parts.first else { return nil }
        let method = method == "HEAD" ? "GET" : method
        for route in routes[first] ?? [] where route.method == method {
            if let variables = Self.match(route.parts, parts) { return (route.handler, variables) }
        }
        for route in routes[first] ?? [] where route.method == method {
            if let variables = Self.match(Self.widened(route.parts), parts) { return (route.handler, variables) }
        }
        return nil
    }

    private static func widened(_ pattern: [Part]) -> [Part] {
        var pattern = pattern
        for (index, part) in pattern.enumerated() {
            if case .rest = part { return pattern }
            guard case .one(let name) = part else { continue }
            pattern[index] = .rest(name)
            return pattern
        }
        return pattern
    }

    private static func match(_ pattern: [Part], _ parts: [String]) -> [String: String]? {
        let greedy = pattern.contains { if case .rest = $0 { true } else { false } }
        guard parts.count == pattern.count || greedy && parts.count > pattern.count else { return nil }
        var variables: [String: String] = [:]
        var index = 0
        for part in pattern {
            switch part {
            case .literal(let text):
                guard parts[index] == text else { return nil }
                index += 1
            case .one(let name):
                variables[name] = parts[index]
                index += 1
            case .rest(let name):
                let count = parts.count - pattern.count + 1
                variables[name] = parts[index..<index + count].joined(separator: "/")
                index += count
            }
        }
        return variables
    }
}
