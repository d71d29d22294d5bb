status --wait soon
