"""What Asterisk itself runs when the service is away."""
