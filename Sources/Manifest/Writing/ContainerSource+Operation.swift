import Diagnostics
import JSONText
import StackModel

extension ContainerSource {
    mutating func writeOperation() throws(Diagnostic) {
        if var check = try attributes.group("healthcheck") {
            lines.append(try Self.healthcheck(&check))
            try check.finish()
        }
        if var restart = try attributes.group("restart") {
            let policy = try restart.plain("policy") ?? "no"
            let count = try restart.integer("maximumRetryCount")
            let words = ["no": ".no", "": ".no", "always": ".always", "unless-stopped": ".unlessStopped"]
            if policy == "on-failure" {
                lines.append("Restart(.onFailure(\(count.map { "max: \($0)" } ?? "")))")
            } else if let word = words[policy], count == nil {
                lines.append("Restart(\(word))")
            } else {
                throw restart.failure("policy", "is \"\(policy)\", which manifests do not say")
            }
            try restart.finish()
        }
        var stop = SourceCall("Stop")
        stop.add("signal", try attributes.text("stopSignal"))
        stop.add("timeout", try attributes.number("stopTimeout").map { $0 == 0 ? ".zero" : ".seconds(\($0))" })
        write(stop)
        if var hooks = try attributes.group("hooks") {
            for (key, name) in [("postStart", "PostStart"), ("preStop", "PreStop")] {
                for var hook in try hooks.groups(key) { lines.append(try Self.hook(name, &hook)) }
            }
            try hooks.finish()
        }
        if var update = try attributes.group("update") {
            lines.append(try Self.update(&update))
            try update.finish()
        }
        if var logging = try attributes.group("logging") {
            var call = SourceCall("Logging")
            call.add("driver", try logging.text("driver"))
            call.add("options", try logging.dictionary("options"))
            try logging.finish()
            lines.append(call.text)
        }
    }

    /// `Healthcheck(.command("true"), every: .seconds(5))`.
    static func healthcheck(_ check: inout SourceAttributes) throws(Diagnostic) -> String {
        let words = try check.words("test")
        let literals = words.dropFirst().map { SourceText.literal($0) }
        let test: String
        switch (words.first, literals.count) {
        case (nil, _): test = ".ofImage"
        case ("NONE", 0): test = ".none"
        case ("CMD", 1...): test = ".command(\(literals.joined(separator: ", ")))"
        case ("CMD-SHELL", 1): test = ".shell(\(literals[0]))"
        case ("HTTP", 2) where UInt16(words[2]) != nil: test = ".http(\(literals[0]), port: \(words[2]))"
        default: throw check.failure("test", "is no test that manifests say: \(words.joined(separator: " "))")
        }
        var call = SourceCall("Healthcheck")
        call.add(test)
        call.add("every", try check.duration("interval"))
        call.add("timeout", try check.duration("timeout"))
        call.add("retries", try check.integer("retries"))
        call.add("startPeriod", try check.duration("startPeriod"))
        call.add("startInterval", try check.duration("startInterval"))
        return call.text
    }

    private static func hook(_ name: String, _ hook: inout SourceAttributes) throws(Diagnostic) -> String {
        var call = SourceCall(name)
        for word in try hook.words("command") { call.add(SourceText.literal(word)) }
        call.add("user", try hook.text("user"))
        call.add("privileged", try hook.truth("privileged"))
        call.add("workdir", try hook.text("workdir"))
        call.add("environment", try hook.dictionary("env"))
        call.add("unset", try hook.list("unsetEnv"))
        try hook.finish()
        return call.text
    }

    private static func update(_ update: inout SourceAttributes) throws(Diagnostic) -> String {
        var call = SourceCall("Update")
        if let order = try update.plain("order") {
            guard ["startFirst", "stopFirst"].contains(order) else {
                throw update.failure("order", "is \"\(order)\", neither startFirst nor stopFirst")
            }
            call.add(".\(order)")
        }
        call.add("healthyWithin", try update.duration("healthyWithin"))
        if let failure = try update.plain("onFailure") {
            guard ["rollBack", "pause", "continue"].contains(failure) else {
                throw update.failure("onFailure", "is \"\(failure)\", which is none of rollBack, pause, continue")
            }
            call.add("onFailure", ".\(failure)")
        }
        call.add("delay", try update.duration("delay"))
        call.add("parallelism", try update.integer("parallelism"))
        return call.text
    }
}
