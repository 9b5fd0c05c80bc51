import Compose
import Diagnostics
import JSONText
import Linux
import OCI
import Synchronization

/// Brings the images of services from their registries, with the logins of the user.
struct ComposePulling: Sendable {
    /// An image that a service wants.
    struct Item: ComposeItem, Equatable {
        var service: String
        var image: String
        var platform: String?
        /// Whether the service says how to build it.
        var isBuildable = false
        /// `pull_policy`, as the file says it.
        var policy = "missing"

        var name: String { service }

        /// What a service wants pulled; nil where it names no image.
        init?(_ service: String, _ node: ComposeNode) {
            guard let image = node["image"]?.string, !image.isEmpty else { return nil }
            self.service = service
            self.image = image
            platform = node["platform"]?.string
            isBuildable = node["build"]?.isNull == false
            policy = node["pull_policy"]?.string ?? "missing"
        }
    }

    let session: ComposeSession
    /// Whether nothing is shown on the way (`--quiet-pull`).
    var isQuiet = false
    var forgivesFailures = false

    /// Pulls images, several at a time, one that several services want once.
    func pull(_ items: [Item]) async throws -> ExitCode {
        var seen: Set<String> = []
        let unique = items.filter { seen.insert("\($0.image) \($0.platform ?? "")").inserted }
        guard !unique.isEmpty else { return .success }
        let daemon = try await session.daemon()
        let output = session.output
        let work = ComposeWork(
            session: isQuiet ? session.quiet : session, order: ComposeOrder(dependencies: [:]), operation: "pull",
            forgivesFailures: forgivesFailures)
        return try await work.run(unique) { item, step in
            let reference = try RegistryName.reference(item.image).withDefaultTag
            let target = Target("images", "create").with("fromImage", reference.familiarRepository)
                .with("tag", reference.digest?.description ?? reference.tag).with("platform", item.platform)
            let credentials = await CallerCredentials.header(for: reference.domain, output)
            let total = TransferTotal()
            try await TransferStream.lines(daemon, target, credentials: credentials) { line in
                if let text = total.take(line) { await step.say(text) }
            }
        }
    }

    /// The images that have to be pulled before a plan, since their policy says so whatever is here.
    ///
    /// Those that are only missing are the plan's: it says so.
    func due(_ items: [Item], policy: String?, now: Int64 = Clock.now().seconds) async throws -> [Item] {
        var due: [Item] = []
        for item in items where !item.isBuildable {
            switch policy ?? item.policy {
            case "always", "refresh": due.append(item)
            case let text:
                guard let period = Self.period(text) else { continue }
                // One that is not here is missing, and the plan says so.
                guard let pulled = try await age(of: item.image, now), pulled >= period else { continue }
                due.append(item)
            }
        }
        return due
    }

    /// Seconds of `daily`, `weekly`, `every_12h`; nil for other policies.
    static func period(_ policy: String) -> Int64? {
        switch policy {
        case "daily": 86_400
        case "weekly": 7 * 86_400
        case _ where policy.hasPrefix("every_"):
            PointInTime.age(String(policy.dropFirst("every_".count)))
        default: nil
        }
    }

    /// Seconds since an image got its name here; nil where it is not here.
    private func age(of image: String, _ now: Int64) async throws -> Int64? {
        do {
            let found = try await session.daemon().get(Target("images", image, "json").text)
            let text = found["Metadata"]?["LastTagTime"]?.stringValue ?? ""
            return Timestamp(rfc3339: text).map { now - $0.seconds } ?? Int64.max
        } catch let failure as StatusFailure where failure.status == 404 {
            return nil
        }
    }
}

/// The layers of a transfer, added up.
final class TransferTotal: Sendable {
    private struct State {
        var layers: [String: (current: Int64, total: Int64)] = [:]
        var shown = ""
    }

    private let state = Mutex(State())

    /// Takes a line of the answer; what is to be said of it, where that is news.
    func take(_ line: JSONValue) -> String? {
        guard let id = line["id"]?.stringValue, let detail = line["progressDetail"] else { return nil }
        let status = line["status"]?.stringValue ?? ""
        return state.withLock { state in
            if let current = detail["current"]?.intValue {
                state.layers[id] = (current, detail["total"]?.intValue ?? current)
            } else if ["Pull complete", "Pushed", "Download complete"].contains(status), let layer = state.layers[id] {
                state.layers[id] = (layer.total, layer.total)
            }
            let current = state.layers.values.reduce(0) { $0 &+ $1.current }
            let total = state.layers.values.reduce(0) { $0 &+ $1.total }
            guard total > 0 else { return nil }
            let text = "\(HumanText.size(current)) of \(HumanText.size(total))"
            defer { state.shown = text }
            return text == state.shown ? nil : text
        }
    }
}
