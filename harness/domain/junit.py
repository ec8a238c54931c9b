def junit_xml(results):
    yield b"<testsuites/>"
