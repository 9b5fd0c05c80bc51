import JSONText
import Linux
import OCI

/// What health checks have found, as a pure state machine.
package struct HealthState: Sendable, Hashable {
    /// Docker's states.
    package enum Status: String, Sendable, Hashable { case starting, healthy, unhealthy }

    /// One check.
    package struct Check: Sendable, Hashable {
        /// When it began.
        package var start: Timestamp
        /// When it ended.
        package var end: Timestamp
        /// 0 is healthy; -1 is a time-out or a check that could not run.
        package var exitCode: Int32
        /// What it said, at most 4096 bytes.
        package var output: String

        /// A check.
        package init(start: Timestamp, end: Timestamp, exitCode: Int32, output: String) {
            self.start = start
            self.end = end
            self.exitCode = exitCode
            self.output = output
        }
    }

    /// The state.
    package private(set) var status = Status.starting
    /// Failures in a row.
    package private(set) var failingStreak = 0
    /// The last five checks, oldest first.
    package private(set) var log: [Check] = []

    /// A container that has not been checked.
    package init() {}

    /// Takes a check in; true where the status changed.
    ///
    /// A failure within the start period does not count, as long as no check has succeeded.
    package mutating func record(_ check: Check, retries: Int, inStartPeriod: Bool) -> Bool {
        log.append(check)
        if log.count > 5 { log.removeFirst() }
        let before = status
        if check.exitCode == 0 {
            failingStreak = 0
            status = .healthy
        } else if !(inStartPeriod && status == .starting) {
            failingStreak += 1
            if failingStreak >= retries { status = .unhealthy }
        }
        return status != before
    }

    /// Docker's `Health`.
    package var json: JSONObject {
        [
            "Status": .string(status.rawValue), "FailingStreak": .int(Int64(failingStreak)),
            "Log": .array(
                log.map {
                    [
                        "Start": .string($0.start.rfc3339), "End": .string($0.end.rfc3339),
                        "ExitCode": .int(Int64($0.exitCode)), "Output": .string($0.output),
                    ]
                }),
        ]
    }
}

/// A health check with Docker's defaults filled in.
package struct HealthPlan: Sendable, Hashable {
    /// What is run.
    package enum Test: Sendable, Hashable {
        /// A program in the container.
        case command([String])
        /// A GET from the container's network: path and port.
        case http(path: String, port: UInt16)
    }

    /// What is run.
    package var test: Test
    /// Time between checks.
    package var interval: Duration
    /// How long one may take.
    package var timeout: Duration
    /// How long failures do not count.
    package var startPeriod: Duration
    /// Time between checks while starting.
    package var startInterval: Duration
    /// Failures in a row until unhealthy.
    package var retries: Int

    /// The plan of a healthcheck; `nil` where there is none to run.
    ///
    /// - Parameter shell: the image's, for checks in shell form.
    package init?(_ check: Healthcheck?, shell: [String]? = nil) {
        guard let check, let form = check.test.first else { return nil }
        let rest = Array(check.test.dropFirst())
        switch form {
        case "CMD" where !rest.isEmpty: test = .command(rest)
        case "CMD-SHELL" where !rest.isEmpty:
            test = .command((shell ?? ["/bin/sh", "-c"]) + [rest[0]])
        case "HTTP":
            guard rest.count >= 2, let port = UInt16(rest[1]) else { return nil }
            test = .http(path: rest[0].hasPrefix("/") ? rest[0] : "/" + rest[0], port: port)
        default: return nil
        }
        func duration(_ value: Int64, _ standard: Duration) -> Duration { value > 0 ? .nanoseconds(value) : standard }
        interval = duration(check.interval, .seconds(30))
        timeout = duration(check.timeout, .seconds(30))
        startPeriod = duration(check.startPeriod, .zero)
        startInterval = duration(check.startInterval, .seconds(5))
        retries = check.retries > 0 ? check.retries : 3
    }

    /// The pause before the next check.
    ///
    /// While starting it is the shorter one.
    package func pause(status: HealthState.Status, inStartPeriod: Bool) -> Duration {
        status == .starting && inStartPeriod ? min(startInterval, interval) : interval
    }
}
