"""The platform as a whole while parts of it are killed, stopped, flushed and damaged."""
