# vectors of other people, replayed
