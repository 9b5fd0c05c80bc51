/// The candidate a reader most likely meant by a mistyped word; nil when none is close.
///
/// Close means: at most a third of the word's letters differ (insert, delete, replace, swap), and one is the same; or the
/// word begins or ends the candidate.
public func nearest(_ word: String, among candidates: [String]) -> String? {
    guard !word.isEmpty else { return nil }
    let wanted = Array(word.lowercased())
    let limit = max(1, wanted.count / 3)
    var best: (candidate: String, distance: Int)?
    for candidate in candidates {
        let letters = Array(candidate.lowercased())
        let begins =
            wanted.count >= 3 && letters.starts(with: wanted)
            || wanted.count >= 5 && letters.reversed().starts(with: wanted.reversed())
        // No fewer letters differ than one word has more than the other; long words need not be compared.
        guard begins || abs(wanted.count - letters.count) <= limit else { continue }
        var distance = editDistance(wanted, letters)
        if begins { distance = min(distance, limit) }
        guard distance <= limit, distance < max(wanted.count, letters.count) else { continue }
        if let current = best, current.distance <= distance { continue }
        best = (candidate, distance)
    }
    return best?.candidate
}

/// Letters that are added, taken away, replaced, or swapped with their neighbours.
public func editDistance(_ left: [Character], _ right: [Character]) -> Int {
    var beforePrevious: [Int] = []
    var previous = Array(0...right.count)
    for (row, leftLetter) in left.enumerated() {
        var current = [row + 1]
        for (column, rightLetter) in right.enumerated() {
            let substitution = previous[column] + (leftLetter == rightLetter ? 0 : 1)
            var cost = min(previous[column + 1] + 1, current[column] + 1, substitution)
            if row > 0, column > 0, leftLetter == right[column - 1], left[row - 1] == rightLetter {
                cost = min(cost, beforePrevious[column - 1] + 1)
            }
            current.append(cost)
        }
        beforePrevious = previous
        previous = current
    }
    return previous.last ?? 0
}
