import Diagnostics
import JSONText
import StackModel

/// How containers are replaced, and what of `deploy` is for clusters.
extension ServiceLowering {
    func refuseWhatCannotBe() {
        if service.entry("provider") != nil {
            service.refuse(
                "provider", "SC2410", "needs a program of Docker Compose, which is not run here",
                hint: "start what it provides by hand, and take the service out")
        }
        if service.entry("models") != nil {
            service.refuse(
                "models", "SC2411", "needs Docker's model runner, which is not here",
                hint: "run the model as a service, and give its address in environment")
        }
        if let isolation = service.given("isolation"), isolation != "default" {
            service.refuse("isolation", "SC2412", "is \(isolation), which only Windows has")
        }
        for key in ["credential_spec", "cpu_count", "cpu_percent"] where service.entry(key) != nil {
            service.refuse(key, "SC2412", "is for Windows", hint: key == "cpu_percent" ? "use cpus" : nil)
        }
        if let options = service.reader("storage_opt"), !options.keys.isEmpty {
            service.refuse(
                "storage_opt", "SC2413", "cannot be had: containers' layers have no size of their own",
                hint: "use a tmpfs with a size for what may grow")
        }
    }

    mutating func lowerUpdate() {
        guard let update = service.reader("deploy")?.reader("update_config") else { return }
        func set(_ attribute: String, _ value: JSONValue?, _ key: String) {
            draft.set("update.\(attribute)", value, at: update.location(key))
        }
        func word(_ key: String, _ words: [String: String]) -> JSONValue? {
            guard let text = update.given(key) else { return nil }
            if let word = words[text] { return .string(word) }
            update.refuse(key, "SC2401", "must be one of \(words.keys.sorted().joined(separator: ", "))")
            return nil
        }
        set("order", word("order", ["start-first": "startFirst", "stop-first": "stopFirst"]), "order")
        set(
            "onFailure",
            word("failure_action", ["rollback": "rollBack", "pause": "pause", "continue": "continue"]), "failure_action"
        )
        let health = UpdateMonitor.time(toBeHealthyBy: draft.attributes["healthcheck"])
        set("healthyWithin", update.duration("monitor").map { .int($0.addingClamped(health)) }, "monitor")
        set("delay", update.duration("delay").map { .int($0) }, "delay")
        set("parallelism", update.integer("parallelism").map { .int($0) }, "parallelism")
        if update.entry("max_failure_ratio") != nil {
            update.warn(
                "max_failure_ratio", "SC2450", "deploy.update_config.max_failure_ratio",
                "is not honoured: the first container that fails counts")
        }
        update.finish()
    }

    /// What else `deploy` says.
    mutating func lowerDeployment() {
        service.skip("scale")
        let asked = context.options.scale[name].map { Int64($0) } ?? service.integer("scale")
        let written = asked ?? service.reader("deploy")?.integer("replicas") ?? 1
        if !(0...Int64(LoweringContext.mostReplicas)).contains(written) {
            service.refuse(
                "scale", "SC2421", "is \(written): a service has 0 to \(LoweringContext.mostReplicas) containers here")
        }
        guard let deploy = service.reader("deploy") else { return }
        deploy.skip("replicas", "resources", "restart_policy", "update_config")
        switch deploy.given("mode") {
        case nil, "replicated": break
        case "global":
            deploy.warn("mode", "SC2450", "deploy.mode: global", "means one container: there is one host")
        case "replicated-job", "global-job": set("oneShot", true, "deploy")
        default: deploy.refuse("mode", "SC2401", "must be replicated or global")
        }
        for (key, reason) in [
            ("placement", "is not honoured: there is one host"),
            ("endpoint_mode", "is not honoured: names lead to every container of a service"),
            ("labels", "go nowhere: they are for services of a cluster, not for containers"),
            ("rollback_config", "is not honoured: a roll-back is an update to the generation before"),
        ] where deploy.entry(key) != nil {
            deploy.warn(
                key, "SC2450", "deploy.\(key)", reason, hint: key == "labels" ? "write them under labels" : nil)
        }
        deploy.finish()
    }

    /// `x-stackctl`, and what makes a service a task that ends.
    mutating func lowerExtension() {
        var isOneShot = context.completed.contains(name)
        if let own = service.reader("x-stackctl") {
            if let asked = own.flag("one-shot") {
                isOneShot = asked
                set("oneShot", .bool(asked), "x-stackctl")
            }
            protect = own.flag("protect") ?? false
            if own.flag("numbered") == false, replicas > 1 {
                own.refuse("numbered", "SC2421", "is false, and there are \(replicas) containers to tell apart")
            }
            own.finish()
        }
        guard isOneShot else { return }
        if draft.attributes["oneShot"] == nil { draft.set("oneShot", true, at: location) }
        if ["always", "unless-stopped"].contains(draft.attributes["restart"]?["policy"]?.stringValue) {
            service.warn(
                "restart", "SC2454", "restart of a service that others wait for",
                "starts it again when it has ended: it is never done", hint: "use restart: on-failure, or none")
        }
    }
}

/// How `monitor` and `healthyWithin` belong together.
///
/// A cluster watches a container for `monitor` once it is healthy; here the time until then is limited.
enum UpdateMonitor {
    /// Nanoseconds that a health check of the file allows until it has to have passed; 0 where there is none.
    static func time(toBeHealthyBy check: JSONValue?) -> Int64 {
        guard let check, check["test"] != ["NONE"] else { return 0 }
        func nanoseconds(_ key: String, _ usual: Int64) -> Int64 { max(check[key]?.intValue ?? usual, 0) }
        let one = nanoseconds("interval", 30_000_000_000).addingClamped(nanoseconds("timeout", 30_000_000_000))
        let (all, isOver) = one.multipliedReportingOverflow(by: nanoseconds("retries", 3))
        return (isOver ? Int64.max : all).addingClamped(nanoseconds("startPeriod", 0))
    }
}

extension Int64 {
    /// The sum, or the largest number there is.
    func addingClamped(_ other: Int64) -> Int64 {
        let (sum, isOver) = addingReportingOverflow(other)
        return isOver ? .max : sum
    }
}
