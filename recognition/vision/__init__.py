"""Face detection, embedding and matching. Imports no Django and reads no environment."""
