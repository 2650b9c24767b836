"""The Asterisk adapter: one AMI link and a FastAGI server behind `pbx.port`."""
