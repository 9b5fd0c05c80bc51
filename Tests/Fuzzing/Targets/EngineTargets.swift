import Diagnostics
import Engine
import EngineAPI
import JSONText
import Linux

extension FuzzTarget {
    /// Bodies of requests to the engine, and the daemon's configuration: what is taken is the same when it is read back
    /// from the database.
    static let engineBodies = FuzzTarget("engine-bodies", mutations: 150) { input in
        _ = parsed { () throws(DiagnosticList) in try DaemonSettings(json: input, path: "daemon.json") }
        guard let body = parsed({ () throws(JSONParseError) in try JSONValue.parse(input) }) else { return }
        _ = parsed { () throws(EngineError) in try Execution.Request(json: body) }
        var defaults = ContainerDefaults()
        defaults.logOptions = ["max-size": "1m"]
        defaults.ulimits = [ContainerDefaults.Ulimit(name: "nofile", soft: 1, hard: 1)]
        defaults.dnsServers = ["192.0.2.1"]
        let filled = defaults.filled(body)
        try require(defaults.filled(filled) == filled, "defaults are filled in twice")
        guard
            let specification = parsed({ () throws(EngineError) in try ContainerSpecification(json: body) })
        else { return }
        try requireSame(specification, as: "a container") { () throws(EngineError) in
            try ContainerSpecification(stored: specification.json)
        }
    }

    /// Query values: filters, times, keys.
    static let engineTexts = FuzzTarget("engine-texts", mutations: 300) { input in
        let text = String(decoding: input, as: UTF8.self)
        let filter = parsed { () throws(EngineError) in try FilterSet(text, allowed: FilterSet.forContainers) }
        _ = filter?.allows(labels: ["a": "b"])
        if let filter { _ = parsed { () throws(EngineError) in try filter.until() } }
        _ = ClientTime.read(text)
        _ = ClientTime.read(text, before: .init(seconds: 1_700_000_000))
        _ = ByteText.bytes(text)
        for isSecure in [true, false] {
            guard
                let host = parsed({ () throws(Diagnostic) in try DaemonHost(text, isSecure: isSecure) })
            else { continue }
            try requireSame(host, as: "a place to serve on") { () throws(Diagnostic) in
                try DaemonHost(host.description, isSecure: isSecure)
            }
        }
        guard let keys = parsed({ () throws(EngineError) in try DetachKeys(text) }) else { return }
        var detector = DetachDetector(keys: keys.bytes)
        let (_, detaches) = detector.take(keys.bytes)
        try require(detaches, "keys do not detach: \(text)")
    }
}
