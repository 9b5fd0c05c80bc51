import Builder
import Engine
import Linux
import Synchronization

/// What belongs to builds and comes or goes by requests of its own: contexts, agents, archives that were made.
///
/// Each is taken once. What nobody takes is let go after a while, and nothing of it has a name on the disk.
final class BuildAttachments: Sendable {
    /// One of them.
    enum Item: Sendable {
        /// Files that steps copy from.
        case context(FileTree)
        /// The same, while its files come.
        case transfer(any ContextTransfer)
        /// The way to a caller's ssh agent.
        case agent(any AgentConnector)
        /// What a build made for its caller, and how many bytes it is.
        case output(SharedDescriptor, size: Int64)
    }

    private let items = Mutex<[String: Item]>([:])
    /// How long one waits to be taken.
    private static let patience = Duration.seconds(600)

    /// Keeps an item.
    ///
    /// - Returns: the name by which it is taken; nobody can guess it.
    func keep(_ item: Item, on engine: HostEngine) throws(SystemError) -> String {
        let id = try Random.hexID()
        keep(item, as: id, on: engine)
        return id
    }

    /// Keeps an item under a name that its sender has chosen.
    func keep(_ item: Item, as id: String, on engine: HostEngine) {
        items.withLock { $0[id] = item }
        engine.runInBackground { [weak self] in
            try? await EventLoop.shared.sleep(for: Self.patience)
            self?.drop(id)
        }
    }

    /// An item that stays.
    func look(_ id: String) -> Item? { items.withLock { $0[id] } }

    /// Gives an item away.
    func take(_ id: String) -> Item? { items.withLock { $0.removeValue(forKey: id) } }

    /// Lets an item go.
    func drop(_ id: String) { _ = take(id) }
}
