"""What the front ends share: views of many queues at once, without any output format."""
