"""The simulated world: the real parts of Huijian as processes, and rooms and officers as actors. Begin with `world`."""
