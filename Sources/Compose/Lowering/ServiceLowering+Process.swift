import Diagnostics
import JSONText
import StackModel

/// What is run, and how it ends.
extension ServiceLowering {
    mutating func lowerProcess() {
        for key in ["command", "entrypoint"] { set(key, service.texts(key).map { .strings($0) }, key) }
        setTextMap("env", "environment")
        // The image's own are taken away.
        draft.set("unsetEnv", service.namesWithoutValue("environment").map { (.string($0.name), $0.location) })
        service.skip("env_file", "label_file", "extends", "profiles", "develop", "attach")
        setText("user", "user")
        setText("workdir", "working_dir")
        setText("hostname", "hostname")
        setText("domainname", "domainname")
        setFlag("tty", "tty")
        setFlag("openStdin", "stdin_open")
        setFlag("init", "init")
        setText("stopSignal", "stop_signal")
        if let nanoseconds = service.duration("stop_grace_period") {
            // Part of a second is one: 0 would be no grace at all.
            set(
                "stopTimeout", .int(nanoseconds / 1_000_000_000 + (nanoseconds % 1_000_000_000 > 0 ? 1 : 0)),
                "stop_grace_period")
        }
        setTextMap("annotations", "annotations")
        if let logging = service.reader("logging") { lowerLogging(logging) }
        if !context.options.starts { draft.set("running", false, at: nil) }
        draft.set("anonymousVolumes", "keep", at: nil)
    }

    private mutating func lowerLogging(_ logging: MemberReader) {
        let driver = logging.given("driver") ?? "json-file"
        if ["json-file", "local", "none"].contains(driver) {
            draft.set("logging.driver", .string(driver), at: logging.location("driver"))
        } else {
            logging.refuse(
                "driver", "SC2416", "is \(driver), which this engine does not have",
                hint: "use json-file or local, and let the collector read those")
        }
        let options = logging.textMap("options")
        if !options.isEmpty {
            draft.set(
                "logging.options", .object(JSONObject(options.map { ($0.key, .string($0.value)) })),
                at: logging.location("options"))
        }
        logging.finish()
    }

    /// The image's name or, where the stack builds it, the resource.
    mutating func lowerImage() {
        let builds = service.entry("build")?.value.map != nil
        let written = service.given("image")
        let image = written ?? "\(context.project.name)-\(name)"
        let key = written == nil ? "build" : "image"
        // A provider has none, and is refused as such.
        guard written != nil || builds || service.entry("provider") != nil else {
            service.refuse("image", "SC2401", "is missing, and so is build", hint: "add one of the two")
            return
        }
        let value = context.image(image)
        set("image", value, key)
        setText("platform", "platform")
        lowerPull(isBuilt: value.stringValue == nil)
    }

    private mutating func lowerPull(isBuilt: Bool) {
        service.skip("pull_refresh_after")
        let policy = service.given("pull_policy")
        if let asked = context.options.pullPolicy {
            draft.set("pull", .string(asked), at: nil)
            return
        }
        switch policy {
        case "always", "never", "missing", "build": set("pull", policy.map { .string($0) }, "pull_policy")
        case "if_not_present": set("pull", "missing", "pull_policy")
        case nil: if !isBuilt { draft.set("pull", "missing", at: nil) }
        case .some(let other):
            guard other == "refresh" || other == "daily" || other == "weekly" || other.hasPrefix("every_") else {
                service.refuse(
                    "pull_policy", "SC2401", "must be always, never, missing, build, daily, weekly or every_<duration>")
                return
            }
            // Whoever brings the project up pulls what is too old before.
            if !isBuilt { set("pull", "missing", "pull_policy") }
        }
    }

    mutating func lowerHealthcheck() {
        guard let check = service.reader("healthcheck") else { return }
        func set(_ attribute: String, _ value: JSONValue?, _ key: String) {
            draft.set("healthcheck.\(attribute)", value, at: check.location(key))
        }
        if check.flag("disable") == true {
            check.skip("test", "interval", "timeout", "start_period", "start_interval", "retries")
            set("test", ["NONE"], "disable")
        } else {
            if let text = check.entry("test")?.value.string {
                set("test", ["CMD-SHELL", .string(text)], "test")
            } else {
                set("test", check.texts("test").map { .strings($0) }, "test")
            }
            for (attribute, key) in [
                ("interval", "interval"), ("timeout", "timeout"), ("startPeriod", "start_period"),
                ("startInterval", "start_interval"),
            ] { set(attribute, check.duration(key).map { .int($0) }, key) }
            set("retries", check.integer("retries").map { .int($0) }, "retries")
        }
        check.finish()
    }

    /// `restart`, unless `deploy.restart_policy` says it.
    mutating func lowerRestart() {
        if let text = service.given("restart") {
            let sides = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            set("restart.policy", .string(sides[0]), "restart")
            if sides.count == 2 {
                if let count = Int64(sides[1]), sides[0] == "on-failure" {
                    set("restart.maximumRetryCount", .int(count), "restart")
                } else {
                    service.refuse("restart", "SC2401", "must be no, always, unless-stopped or on-failure[:<times>]")
                }
            }
        }
        guard let policy = service.reader("deploy")?.reader("restart_policy") else { return }
        let condition = policy.given("condition")
        if let condition {
            draft.remove("restart")
            let words = ["any": "always", "none": "no"]
            draft.set("restart.policy", .string(words[condition] ?? condition), at: policy.location("condition"))
        } else {
            // A cluster takes `any`, but Docker Compose restarts nothing, and that is what its users have.
            policy.warn(
                "condition", "SC2450", "deploy.restart_policy without condition",
                "restarts nothing of its own, as in Docker Compose", hint: "write `condition: any`, or `on-failure`")
        }
        if let count = policy.integer("max_attempts"), count > 0 {
            if condition == "on-failure" {
                draft.set("restart.maximumRetryCount", .int(count), at: policy.location("max_attempts"))
            } else {
                policy.warn(
                    "max_attempts", "SC2450", "deploy.restart_policy.max_attempts", "counts only with on-failure")
            }
        }
        for key in ["delay", "window"] where policy.entry(key) != nil {
            policy.warn(
                key, "SC2450", "deploy.restart_policy.\(key)",
                "is not honoured: restarts wait 100 ms at first, and twice as long each time")
        }
        policy.finish()
    }
}
