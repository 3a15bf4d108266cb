"""Sending requests: connections, retries, redirects, limits, proxies, and progress.

The only room that knows `urllib3`, which is imported when the first request is sent.
"""
