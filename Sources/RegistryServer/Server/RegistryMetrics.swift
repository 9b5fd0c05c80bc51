import Synchronization

/// What is counted, as Prometheus reads it.
///
/// Source: Prometheus, "Text-based format".
final class RegistryMetrics: Sendable {
    /// Things that only grow.
    enum Counter: String, Sendable, CaseIterable {
        case cacheHit, cacheMiss, cacheStale, cacheEvicted, collections, collectedBlobs, collectedBytes
    }

    private struct Request: Hashable {
        let method: String
        let route: String
        let status: Int
    }

    private struct State {
        var requests: [Request: Int64] = [:]
        var seconds: [String: (sum: Double, count: Int64)] = [:]
        var counters: [Counter: Int64] = [:]
        var received: Int64 = 0
        var sent: Int64 = 0
        var connections: Int64 = 0
    }

    private let state = Mutex(State())

    func count(_ counter: Counter, by amount: Int64 = 1) {
        state.withLock { $0.counters[counter, default: 0] += amount }
    }

    /// Counts a request that was answered.
    func count(_ method: String, route: String, _ outcome: APICall.Outcome, nanoseconds: Int64) {
        // A method is the client's word: any number of them would be any number of series.
        let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"].contains(method)
        let request = Request(method: known ? method : "other", route: route, status: outcome.status)
        state.withLock {
            $0.requests[request, default: 0] += 1
            $0.received += outcome.received
            $0.sent += outcome.sent
            let before = $0.seconds[route] ?? (0, 0)
            $0.seconds[route] = (before.sum + Double(nanoseconds) / 1e9, before.count + 1)
        }
    }

    func connections(by change: Int64) { state.withLock { $0.connections += change } }

    /// The text that is read.
    ///
    /// - Parameter uploads: how many are under way.
    func text(_ usage: StorageUsage.Total, uploads: Int) -> String {
        state.withLock { state in
            var text = MetricsText()
            text.family("requests_total", "counter", "Requests answered.")
            for (request, count) in state.requests.sorted(by: { Self.order($0.key) < Self.order($1.key) }) {
                text.value(
                    "requests_total", "\(count)",
                    "method=\"\(request.method)\",route=\"\(request.route)\",status=\"\(request.status)\"")
            }
            text.family("request_seconds", "summary", "Time from a request's head to the end of its answer.")
            for (route, value) in state.seconds.sorted(by: { $0.key < $1.key }) {
                text.value("request_seconds_sum", "\(value.sum)", "route=\"\(route)\"")
                text.value("request_seconds_count", "\(value.count)", "route=\"\(route)\"")
            }
            text.single("received_bytes_total", "counter", "Bytes of requests' bodies.", state.received)
            text.single("sent_bytes_total", "counter", "Bytes of answers' bodies.", state.sent)
            text.single("connections", "gauge", "Connections open.", state.connections)
            text.single("blobs", "gauge", "Contents stored, manifests among them.", usage.contents)
            text.single("storage_bytes", "gauge", "Bytes of the contents stored.", usage.bytes)
            text.single("uploads", "gauge", "Uploads under way.", Int64(uploads))
            for counter in Counter.allCases {
                let (name, help) = Self.name(counter)
                text.single(name, "counter", help, state.counters[counter] ?? 0)
            }
            return text.text
        }
    }

    private static func order(_ request: Request) -> String { "\(request.route) \(request.method) \(request.status)" }

    private static func name(_ counter: Counter) -> (String, String) {
        switch counter {
        case .cacheHit: ("cache_hits_total", "Requests answered with what was kept of another registry.")
        case .cacheMiss: ("cache_misses_total", "Requests for which another registry was asked.")
        case .cacheStale: ("cache_stale_total", "Tags served as they were, since upstream did not answer.")
        case .cacheEvicted: ("cache_evicted_bytes_total", "Bytes dropped to keep the cache's size.")
        case .collections: ("gc_runs_total", "Garbage collections.")
        case .collectedBlobs: ("gc_blobs_total", "Contents that garbage collection removed.")
        case .collectedBytes: ("gc_bytes_total", "Bytes that garbage collection freed.")
        }
    }
}

/// Lines of Prometheus' text format.
private struct MetricsText {
    var text = ""
    private static let prefix = "stackctl_registry_"

    mutating func family(_ name: String, _ kind: String, _ help: String) {
        text += "# HELP \(Self.prefix)\(name) \(help)\n# TYPE \(Self.prefix)\(name) \(kind)\n"
    }

    mutating func value(_ name: String, _ value: String, _ labels: String = "") {
        text += "\(Self.prefix)\(name)\(labels.isEmpty ? "" : "{\(labels)}") \(value)\n"
    }

    mutating func single(_ name: String, _ kind: String, _ help: String, _ value: Int64) {
        family(name, kind, help)
        self.value(name, "\(value)")
    }
}
