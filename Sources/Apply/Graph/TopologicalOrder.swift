/// Orders positions so that each comes after those it has edges to.
enum TopologicalOrder {
    enum Outcome {
        case ordered([Int])
        /// Each member has an edge to the next, the last one to the first.
        case cycle([Int])
    }

    /// Depth first in the given order, without recursion: a chain may be as long as the stack is large.
    static func of(count: Int, edges: (Int) -> [Int]) -> Outcome {
        var order: [Int] = []
        order.reserveCapacity(count)
        var marks = [Mark](repeating: .new, count: count)
        var path: [Frame] = []
        for start in 0..<count where marks[start] == .new {
            marks[start] = .onPath
            path.append(Frame(position: start, targets: edges(start)))
            while let top = path.indices.last {
                guard path[top].next < path[top].targets.count else {
                    let done = path.removeLast().position
                    marks[done] = .done
                    order.append(done)
                    continue
                }
                let target = path[top].targets[path[top].next]
                path[top].next += 1
                switch marks[target] {
                case .done: continue
                case .new:
                    marks[target] = .onPath
                    path.append(Frame(position: target, targets: edges(target)))
                case .onPath:
                    return .cycle(path.map(\.position).drop { $0 != target }.map { $0 })
                }
            }
        }
        return .ordered(order)
    }

    private enum Mark { case new, onPath, done }

    private struct Frame {
        let position: Int
        let targets: [Int]
        var next = 0
    }
}
