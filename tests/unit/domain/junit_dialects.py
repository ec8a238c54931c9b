"""What real tools wrote about small suites of our own, shortened."""

PYTEST = """<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests"><testsuite
name="pytest" errors="3" failures="2" skipped="1" tests="9" time="0.047"
timestamp="2026-11-25T19:31:35.582100+00:00" hostname="vm">
<testcase classname="tests.test_a" name="test_flaky" time="0.001" />
<testcase classname="tests.test_a" name="test_flaky" time="0.002" />
<testcase classname="tests.test_a" name="test_never" time="0.001" />
<testcase classname="tests.test_a" name="test_never" time="0.001"><failure
message="assert 0">&gt;   def test_never(): assert 0
E   assert 0

test_a.py:9: AssertionError</failure></testcase>
<testcase classname="tests.test_a" name="test_both" time="0.000"><failure
message="assert 1 == 2">E   assert 1 == 2

test_a.py:14: AssertionError</failure></testcase>
<testcase classname="tests.test_a" name="test_both" time="0.001"><error
message="failed on teardown with &quot;RuntimeError: torn&quot;">E       RuntimeError: torn

test_a.py:13: RuntimeError</error></testcase>
<testcase classname="tests.test_a" name="test_setup" time="0.001"><error
message="failed on setup with &quot;RuntimeError: setup&quot;">E   RuntimeError: setup

test_a.py:17: RuntimeError</error></testcase>
<testcase classname="tests.test_a.TestX" name="test_m[a::b]" time="0.001" />
<testcase classname="tests.test_a.TestX" name="test_s" time="0.000"><skipped type="pytest.skip"
message="later">test_a.py:3: later</skipped></testcase>
</testsuite></testsuites>"""

PYTEST_WITH_FILES = """<testsuites><testsuite name="pytest"><testcase classname="deep.er.TestX"
name="test_m" file="deep/er.py" line="2" time="0.001"/></testsuite></testsuites>"""

SUREFIRE = """<?xml version="1.0" encoding="UTF-8"?>
<testsuite xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" version="3.0"
  name="shop.BasketTest" time="0.003" tests="4" errors="0" skipped="1" failures="1">
  <properties><property name="user.dir" value="/secret"/></properties>
  <testcase name="addsUp" classname="shop.BasketTest" time="1,000.029"/>
  <testcase name="isSlow" classname="shop.BasketTest" time="0.0">
    <flakyError message="too slow" type="java.lang.IllegalStateException">
      <stackTrace><![CDATA[java.lang.IllegalStateException: too slow
\tat shop.BasketTest.isSlow(BasketTest.java:6)
\tat java.base/java.lang.reflect.Method.invoke(Method.java:569)
]]></stackTrace>
    </flakyError>
  </testcase>
  <testcase name="isShared" classname="shop.BasketTest" time="0.0">
    <skipped message="later"/>
  </testcase>
  <testcase name="isEmptied" classname="shop.BasketTest" time="0.004">
    <failure message="expected: &lt;0&gt; but was: &lt;1&gt;"
      type="org.opentest4j.AssertionFailedError"><![CDATA[AssertionFailedError: expected: <0>
\tat shop.BasketTest.isEmptied(BasketTest.java:5)
]]></failure>
    <system-err><![CDATA[no
]]></system-err>
    <rerunFailure message="expected: &lt;0&gt; but was: &lt;2&gt;"
      type="org.opentest4j.AssertionFailedError">
      <stackTrace><![CDATA[AssertionFailedError: again
]]></stackTrace>
      <system-err><![CDATA[no, again
]]></system-err>
    </rerunFailure>
  </testcase>
</testsuite>"""

GRADLE = """<?xml version="1.0" encoding="UTF-8"?>
<testsuite name="shop.BasketTest" tests="2" skipped="0" failures="1" errors="0"
  timestamp="2026-11-25T19:31:26" hostname="vm" time="0.1">
  <properties/>
  <testcase name="isSlow()" classname="shop.BasketTest" time="0.02">
    <failure message="java.lang.IllegalStateException: too slow"
      type="java.lang.IllegalStateException">java.lang.IllegalStateException: too slow
\tat shop.BasketTest.isSlow(BasketTest.java:6)
</failure></testcase>
  <testcase name="isSlow()" classname="shop.BasketTest" time="0.01"/>
  <system-out><![CDATA[all of the class]]></system-out>
</testsuite>"""

PLAYWRIGHT = """<testsuites id="" name="" tests="4" failures="1" skipped="1" errors="1" time="5.46">
<testsuite name="shop.spec.js" timestamp="2026-11-25T19:31:26.053Z" hostname="one" tests="2">
<testcase name="basket » is emptied" classname="shop.spec.js" time="0.026">
<system-out>
<![CDATA[two and two
[[ATTACHMENT|test-results/shop-one/basket.txt]]

[[ATTACHMENT|../../etc/passwd]]
]]>
</system-out>
<failure message="expect(received).toEqual(expected) // deep equality" type="expect.toEqual">
<![CDATA[  [one] » shop.spec.js:5:3 » basket » is emptied ─────

    Error: expect(received).toEqual(expected) // deep equality
        at /home/me/tests/shop.spec.js:9:17
]]>
</failure>
</testcase>
<testcase name="basket » times out" classname="shop.spec.js" time="0.604">
<error message="Test timeout of 300ms exceeded." type="Error">
<![CDATA[    Test timeout of 300ms exceeded.
]]>
</error>
</testcase>
</testsuite>
<testsuite name="shop.spec.js" timestamp="2026-11-25T19:31:26.053Z" hostname="two" tests="2">
<testcase name="basket » is emptied" classname="shop.spec.js" time="0.026">
</testcase>
<testcase name="basket » is shared" classname="shop.spec.js">
<properties>
<property name="fixme" value="">
</property>
</properties>
<skipped>
</skipped>
</testcase>
</testsuite>
</testsuites>"""

JEST = """<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="jest tests" tests="2" failures="1" errors="0" time="0.259">
  <testsuite name="sum" errors="0" failures="1" skipped="0" timestamp="2026-11-25T19:31:49">
    <testcase classname="sum adds" name="sum adds" time="0.009">
    </testcase>
    <testcase classname="sum of none is 0" name="sum of none is 0" time="0">
      <failure>Error: expect(received).toBe(expected) // Object.is equality

Expected: 0
    at Object.toBe (/home/me/sum.test.js:1:127)</failure>
    </testcase>
  </testsuite>
</testsuites>"""

GO = """<?xml version="1.0" encoding="UTF-8"?>
<testsuites tests="3" failures="1" skipped="1">
\t<testsuite name="example.org/shop/basket" tests="3" failures="1" errors="0" id="1"
\t  hostname="vm" skipped="1" time="0.005" timestamp="2026-11-25T19:31:49Z">
\t\t<testcase name="TestSum/three" classname="example.org/shop/basket" time="0.000">
\t\t\t<failure message="Failed"><![CDATA[    basket_test.go:3: want 3
        got 4]]></failure>
\t\t</testcase>
\t\t<testcase name="TestSkip" classname="example.org/shop/basket" time="0.000">
\t\t\t<skipped message="Skipped"><![CDATA[    basket_test.go:4: later]]></skipped>
\t\t</testcase>
\t\t<testcase name="TestOK" classname="example.org/shop/basket" time="0.000"></testcase>
\t</testsuite>
</testsuites>"""
