# whole lives of an exchange, in fake time
