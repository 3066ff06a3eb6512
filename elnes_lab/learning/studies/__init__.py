"""What is measured with the models: evaluation, significance, the band gap, the reference's noise, and the report."""
