"""What a view may know: acquisition and its snapshots. No Qt."""
