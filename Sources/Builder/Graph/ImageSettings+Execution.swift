import Dockerfile
import OCI

extension ImageSettings {
    /// What of an image's parameters instructions change.
    init(_ execution: ExecutionParameters, author: String?) {
        self.init()
        environment = execution.env
        user = execution.user
        workingDirectory = execution.workingDirectory.isEmpty ? "/" : execution.workingDirectory
        command = execution.command
        entrypoint = execution.entrypoint
        shell = execution.shell
        labels = execution.labels
        exposedPorts = execution.exposedPorts
        volumes = execution.volumes
        stopSignal = execution.stopSignal
        healthcheck = execution.healthcheck.map(HealthcheckSettings.init)
        onBuild = execution.onBuild
        self.author = author
    }

    /// The parameters of an image with these settings.
    ///
    /// - Parameter base: those of the base image, for what no instruction changes.
    func execution(on base: ExecutionParameters) -> ExecutionParameters {
        var result = base
        result.env = environment
        result.user = user
        result.workingDirectory = workingDirectory
        result.command = command
        result.entrypoint = entrypoint
        result.shell = shell
        result.labels = labels
        result.exposedPorts = exposedPorts
        result.volumes = volumes
        result.stopSignal = stopSignal
        result.healthcheck = healthcheck.map(\.ociValue)
        result.onBuild = onBuild
        return result
    }
}

extension HealthcheckSettings {
    fileprivate init(_ value: Healthcheck) {
        self.init(test: value.test)
        interval = value.interval
        timeout = value.timeout
        startPeriod = value.startPeriod
        startInterval = value.startInterval
        retries = value.retries
    }

    fileprivate var ociValue: Healthcheck {
        Healthcheck(
            test: test, interval: interval, timeout: timeout, startPeriod: startPeriod, startInterval: startInterval,
            retries: retries)
    }
}
