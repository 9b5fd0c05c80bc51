import Diagnostics
import JSONText
import StackModel

/// What must be there first.
extension ServiceLowering {
    mutating func lowerDependencies() {
        guard let others = service.reader("depends_on") else { return }
        for other in others.keys {
            guard let dependency = others.reader(other) else { continue }
            // Whether it is started again with the other one is for the verb that does so.
            dependency.skip("restart")
            let required = dependency.flag("required") ?? true
            let until = condition(dependency)
            dependency.finish()
            guard context.project.services[other] != nil else {
                if required, !context.options.ignoresDependencies {
                    others.refuse(other, "SC2423", "is not a service of the project that is active")
                }
                continue
            }
            guard var until else { continue }
            // What is not started can only be there.
            if !context.options.starts { until = .created }
            // Of a service without containers there is nothing to wait for.
            dependencies += (0..<(context.replicas[other] ?? 1)).map {
                StackDependency(address: context.container(other, $0 + 1), until: until)
            }
        }
    }

    private func condition(_ dependency: MemberReader) -> DependencyCondition? {
        switch dependency.given("condition") {
        case nil, "service_started": return .started
        case "service_healthy": return .healthy
        case "service_completed_successfully": return .completed
        default:
            dependency.refuse(
                "condition", "SC2401",
                "must be service_started, service_healthy or service_completed_successfully")
            return nil
        }
    }
}
