import JSONText
import Linux
import OCI
import StateStore

/// What stacks have recorded as theirs, or are making: nobody tidies that away.
struct StackHoldings: Sendable {
    /// Ids of networks and names of volumes.
    private(set) var objects: Set<String> = []
    /// Images that stacks were given.
    private(set) var images: Set<Digest> = []
    /// Names of images that are being made.
    private(set) var imageNames: Set<ImageReference> = []

    /// Reads them.
    ///
    /// Blocks.
    static func read(_ database: StateDatabase) throws -> StackHoldings {
        try database.read { tables in
            var holdings = StackHoldings()
            for stack in try tables.stackNames() {
                for resource in try tables.resources(stack: stack) {
                    holdings.objects.insert(resource.objectID)
                    guard resource.kind == "image" else { continue }
                    if let id = resource.outputs["id"]?.stringValue.flatMap({ Digest($0) }) {
                        holdings.images.insert(id)
                    }
                    holdings.insert(imageNamedBy: resource.address)
                }
            }
            for step in try tables.openJournal() {
                holdings.objects.insert(step.objectID)
                holdings.insert(imageNamedBy: step.address)
            }
            return holdings
        }
    }

    private mutating func insert(imageNamedBy address: String) {
        let kind = "image."
        guard address.hasPrefix(kind), let name = try? ImageReference(String(address.dropFirst(kind.count))) else {
            return
        }
        imageNames.insert(name.withDefaultTag)
    }
}

extension HostEngine {
    /// What stacks have recorded as theirs.
    func stackHoldings() async throws -> StackHoldings {
        let database = self.database
        return try await BlockingExecutor.shared.run { try StackHoldings.read(database) }
    }
}
