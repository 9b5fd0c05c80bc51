import CLinux

/// A connection to the control socket.
struct ControlClient {
    let descriptor: Int32
    /// The bytes of a line not yet complete.
    var line: [UInt8] = []
}

/// The control socket: requests are lines, each is answered; status lines come between.
extension Supervisor {
    static let maximumClients = 64

    func acceptClient() {
        let descriptor = init_accept(listener)
        guard descriptor >= 0 else { return }
        guard clients.count < Self.maximumClients else {
            writeAll(descriptor, SupervisorMessage.refused(number: 0, EBUSY).encoded())
            closeDescriptor(descriptor)
            return
        }
        clients.append(ControlClient(descriptor: descriptor))
        send(SupervisorMessage.status(status).encoded(), to: descriptor)
    }

    func serveClient(_ descriptor: Int32) {
        guard let index = clients.firstIndex(where: { $0.descriptor == descriptor }) else { return }
        let size = ControlMessage.maximumLength
        let buffer = UnsafeMutablePointer<UInt8>.allocate(capacity: size)
        defer { buffer.deallocate() }
        let count = read(descriptor, buffer, size)
        if count < 0 && (linux_errno() == EAGAIN || linux_errno() == EINTR) { return }
        guard count > 0 else {
            drop(descriptor)
            return
        }
        clients[index].line.append(contentsOf: UnsafeBufferPointer(start: buffer, count: count))
        while !isFinished, let position = clients.firstIndex(where: { $0.descriptor == descriptor }),
            let end = clients[position].line.firstIndex(of: 0x0A)
        {
            let line = Array(clients[position].line[..<end])
            clients[position].line.removeFirst(end + 1)
            answer(line, descriptor)
        }
        if let position = clients.firstIndex(where: { $0.descriptor == descriptor }),
            clients[position].line.count > ControlMessage.maximumLength
        {
            drop(descriptor)
        }
    }

    private func answer(_ line: [UInt8], _ client: Int32) {
        let number = ControlMessage.number(in: line)
        guard let message = ControlMessage(decoding: line) else {
            send(SupervisorMessage.refused(number: number, EINVAL).encoded(), to: client)
            return
        }
        let done = SupervisorMessage.done(number: number, carriesDescriptor: false)
        switch message {
        case .openInput:
            hand(terminal >= 0 ? terminal : inputWriting, orRefuse: EBADF, to: client, number)
            return
        case .openProcess:
            // Until its program runs, the namespaces are not the container's yet.
            if case .running = phase, let process {
                hand(process.handle, orRefuse: ESRCH, to: client, number)
            } else {
                send(SupervisorMessage.refused(number: number, ESRCH).encoded(), to: client)
            }
            return
        case .stop(let signal, let timeout):
            // Answered first: without a process the supervisor ends at once.
            send(done.encoded(), to: client)
            stop(signal: signal, timeout: timeout, restart: false)
            return
        default:
            break
        }
        let code = perform(message)
        send((code == 0 ? done : .refused(number: number, code)).encoded(), to: client)
    }

    private func perform(_ message: ControlMessage) -> Int32 {
        switch message {
        case .kill(let signal):
            guard let process else { return ESRCH }
            if signal == SIGKILL || signal == plan.stopSignal { status.stopRequested = true }
            return linux_pidfd_send_signal(process.handle, signal) < 0 ? linux_errno() : 0
        case .restart(let signal, let timeout):
            if case .ended = phase { return ESRCH }
            if isClosing { return ESRCH }
            stop(signal: signal, timeout: timeout, restart: true)
        case .setRestartPolicy(let policy):
            plan.restart = policy
        case .closeInput:
            closeDescriptor(inputWriting)
            inputWriting = -1
        case .resize(let rows, let columns):
            guard terminal >= 0 else { return ENOTTY }
            let result = init_set_terminal_size(
                terminal, UInt16(truncatingIfNeeded: rows), UInt16(truncatingIfNeeded: columns))
            return result < 0 ? linux_errno() : 0
        case .stop, .openInput, .openProcess:
            break
        }
        return 0
    }

    private func hand(_ descriptor: Int32, orRefuse code: Int32, to client: Int32, _ number: Int64) {
        guard descriptor >= 0 else {
            send(SupervisorMessage.refused(number: number, code).encoded(), to: client)
            return
        }
        var descriptor = descriptor
        let line = SupervisorMessage.done(number: number, carriesDescriptor: true).encoded()
        let sent = line.withUnsafeBytes { linux_send_descriptors(client, $0.baseAddress, $0.count, &descriptor, 1) }
        if sent != line.count { drop(client) }
    }

    /// Sends a line; a client that does not read is dropped, it must not hold up the container.
    func send(_ line: [UInt8], to client: Int32) {
        let sent = line.withUnsafeBytes { linux_send_descriptors(client, $0.baseAddress, $0.count, nil, 0) }
        if sent != line.count { drop(client) }
    }

    private func drop(_ client: Int32) {
        closeDescriptor(client)
        clients.removeAll { $0.descriptor == client }
    }

    /// Tells everyone, the status file first.
    func publish() {
        recordStatus()
        announce()
    }

    /// Tells every client the status.
    func announce() {
        let line = SupervisorMessage.status(status).encoded()
        for client in clients { send(line, to: client.descriptor) }
    }
}
