import JSONText

/// How the replicas of one name are replaced: some at a time, and what happens when one fails.
package struct Rollout: Sendable, Hashable {
    /// How many at a time; 0 is all.
    package var parallelism: Int
    /// The pause between one batch and the next.
    ///
    /// Nanoseconds.
    package var delay: Int64
    /// Whether the others are replaced after one has failed.
    package var goesOnAfterFailure: Bool
    /// Whether the object before is made again where the new one fails after that has been deleted.
    package var rollsBack: Bool

    package init(
        parallelism: Int = 1, delay: Int64 = 0, goesOnAfterFailure: Bool = false, rollsBack: Bool = false
    ) {
        self.parallelism = parallelism
        self.delay = delay
        self.goesOnAfterFailure = goesOnAfterFailure
        self.rollsBack = rollsBack
    }

    /// Reads the attribute `update`; one at a time where it does not say.
    package init(update: JSONValue) {
        self.init(
            parallelism: update["parallelism"]?.intValue.flatMap { Int(exactly: $0) }.map { max(0, $0) } ?? 1,
            delay: max(0, update["delay"]?.intValue ?? 0), goesOnAfterFailure: update["onFailure"] == "continue",
            rollsBack: update["onFailure"] == "rollBack")
    }
}
