import LaunchProgram

extension FuzzTarget {
    /// Programs and plans: one meaning has one form.
    static let launchPrograms = FuzzTarget("launch", mutations: 200) { input in
        if let program = parsed({ () throws(LaunchProgramError) in try LaunchProgram(decoding: input) }) {
            try require(program.encoded() == input, "a program has two forms")
            _ = program.listing()
        }
        if let plan = parsed({ () throws(LaunchProgramError) in try ExecutionPlan(decoding: input) }) {
            try requireSame(plan, as: "execution plan") { () throws(LaunchProgramError) in
                try ExecutionPlan(decoding: plan.encoded())
            }
        }
        if let plan = parsed({ () throws(LaunchProgramError) in try SupervisionPlan(decoding: input) }) {
            try requireSame(plan, as: "supervision plan") { () throws(LaunchProgramError) in
                try SupervisionPlan(decoding: plan.encoded())
            }
        }
    }

    /// Lines between daemon and supervisor.
    static let supervision = FuzzTarget("supervision", mutations: 200) { input in
        _ = ControlMessage.number(in: input)
        if let message = ControlMessage(decoding: input) {
            try require(ControlMessage(decoding: message.encoded().dropLast()) == message, "message \(message)")
        }
        if let message = SupervisorMessage(decoding: input) {
            try require(SupervisorMessage(decoding: message.encoded().dropLast()) == message, "message \(message)")
        }
        if let status = SupervisorStatus(decoding: input) {
            try require(SupervisorStatus(decoding: status.encoded()) == status, "status \(status)")
        }
    }
}
