"""A calibration bench without hardware: a tool in a holder, weights, a reference gauge, and hands that use them."""
