"""Every claim about speed: ratios, measured side by side in one run."""
