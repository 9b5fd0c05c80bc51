/// Deadlines in order, with removal: a binary heap whose removed entries are dropped when they surface.
struct TimerQueue {
    struct Entry {
        var deadline: Int64
        var id: UInt64
    }

    private var heap: [Entry] = []
    private var waiting: [UInt64: CheckedContinuation<Void, any Error>] = [:]

    var count: Int { waiting.count }

    /// The earliest deadline somebody still waits for.
    mutating func nextDeadline() -> Int64? {
        while let first = heap.first {
            if waiting[first.id] != nil { return first.deadline }
            removeFirst()
        }
        return nil
    }

    mutating func insert(_ continuation: CheckedContinuation<Void, any Error>, id: UInt64, deadline: Int64) {
        waiting[id] = continuation
        heap.append(Entry(deadline: deadline, id: id))
        siftUp(heap.count - 1)
    }

    mutating func remove(_ id: UInt64) -> CheckedContinuation<Void, any Error>? {
        let continuation = waiting.removeValue(forKey: id)
        // Long timeouts that are always cancelled must not pile up.
        if heap.count > 64 && heap.count > waiting.count * 2 { rebuild() }
        return continuation
    }

    /// Takes out all whose deadline has come.
    mutating func expire(now: Int64) -> [CheckedContinuation<Void, any Error>] {
        var expired: [CheckedContinuation<Void, any Error>] = []
        while let first = heap.first, first.deadline <= now {
            removeFirst()
            if let continuation = waiting.removeValue(forKey: first.id) { expired.append(continuation) }
        }
        return expired
    }

    private mutating func rebuild() {
        heap.removeAll { waiting[$0.id] == nil }
        // A sorted array is a heap.
        heap.sort { $0.deadline < $1.deadline }
    }

    private mutating func removeFirst() {
        guard let last = heap.popLast(), !heap.isEmpty else { return }
        heap[0] = last
        siftDown(0)
    }

    private mutating func siftUp(_ start: Int) {
        var index = start
        while index > 0 {
            let parent = (index - 1) / 2
            if heap[parent].deadline <= heap[index].deadline { return }
            heap.swapAt(parent, index)
            index = parent
        }
    }

    private mutating func siftDown(_ start: Int) {
        var index = start
        while true {
            var smallest = index
            for child in [2 * index + 1, 2 * index + 2] where child < heap.count {
                if heap[child].deadline < heap[smallest].deadline { smallest = child }
            }
            if smallest == index { return }
            heap.swapAt(smallest, index)
            index = smallest
        }
    }
}
