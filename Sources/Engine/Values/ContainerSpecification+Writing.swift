import JSONText
import Linux
import OCI

extension ContainerSpecification {
    /// The stored form: what `init(json:)` reads.
    package var json: JSONValue {
        var body = config
        body["HostConfig"] = .object(host)
        var settings = JSONObject()
        for endpoint in endpoints { settings[endpoint.network] = .object(endpoint.json) }
        body["NetworkingConfig"] = .object(["EndpointsConfig": .object(settings)])
        if !files.isEmpty { body["Files"] = .array(files.map(\.json)) }
        return .object(body)
    }

    /// Docker's `Config`.
    package var config: JSONObject {
        var object = JSONObject()
        object["Hostname"] = .string(hostname)
        object["Domainname"] = .string(domainname)
        object["User"] = .string(user)
        object["AttachStdin"] = .bool(attachesInput)
        object["AttachStdout"] = .bool(attachesOutput)
        object["AttachStderr"] = .bool(attachesError)
        if !exposedPorts.isEmpty { object["ExposedPorts"] = .object(.set(exposedPorts.map(\.description))) }
        object["Tty"] = .bool(tty)
        object["OpenStdin"] = .bool(openStdin)
        object["StdinOnce"] = .bool(stdinOnce)
        object["Env"] = .strings(env)
        object["Cmd"] = .strings(orNull: command)
        if let healthcheck { object["Healthcheck"] = .object(healthcheck.json) }
        object["Image"] = .string(image)
        object["Volumes"] = volumes.isEmpty ? .null : .object(.set(volumes))
        object["WorkingDir"] = .string(workingDirectory)
        object["Entrypoint"] = .strings(orNull: entrypoint)
        writeNetworkConfig(&object)
        object["OnBuild"] = .null
        object["Labels"] = .object(.strings(labels))
        if let stopSignal { object["StopSignal"] = .string(stopSignal) }
        if let stopTimeout { object["StopTimeout"] = .int(Int64(stopTimeout)) }
        if let shell { object["Shell"] = .strings(shell) }
        return object
    }

    /// Docker's `HostConfig`.
    package var host: JSONObject {
        var object = JSONObject()
        object["Binds"] = .null
        object["LogConfig"] = .object([
            "Type": .string(hostSettings.logDriver), "Config": .object(.strings(logOptions)),
        ])
        writeNetworkHost(&object)
        object["RestartPolicy"] = .object(restart.json)
        object["AutoRemove"] = .bool(autoRemove)
        object["CapAdd"] = .strings(orNull: addedCapabilities.isEmpty ? nil : addedCapabilities)
        object["CapDrop"] = .strings(orNull: droppedCapabilities.isEmpty ? nil : droppedCapabilities)
        object["Privileged"] = .bool(isPrivileged)
        object["ReadonlyRootfs"] = .bool(readOnlyRoot)
        object["SecurityOpt"] = .strings(orNull: securityOptions.isEmpty ? nil : securityOptions)
        object["ShmSize"] = .int(sharedMemoryBytes)
        if usesInit { object["Init"] = true }
        hostSettings.write(to: &object)
        limits.write(to: &object)
        object["Mounts"] = .array(mounts.map { .object($0.stored) })
        object["VolumesFrom"] = .strings(orNull: volumesFrom.isEmpty ? nil : volumesFrom)
        object["VolumeDriver"] = .string(volumeDriver)
        return object
    }
}
