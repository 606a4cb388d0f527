"""Files and standard input as a store of their own: the engine in this process, gone when it ends."""
