"""Receives stockfold's HTTP channel: `STOCKFOLD_SECRET=whsec_… python http_receiver.py 8080`."""

import base64
import hmac
import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

KEY = base64.b64decode(os.environ["STOCKFOLD_SECRET"].removeprefix("whsec_"))
shown = {"SKU-1001": (0, 0, 0)}  # SKU: version, second of sending, quantity. Yours: a database


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        if not self.is_genuine(body):
            return self.answer(401, {"message": "no signature fits"})
        sent_s = int(self.headers["webhook-timestamp"])
        data = json.loads(body)["data"]
        results = [self.take(item, sent_s) for item in data.get("items", [])]
        results += [self.tell(sku) for sku in data.get("skus", [])]
        return self.answer(200, {"results": results})

    def is_genuine(self, body):
        sent, told = self.headers["webhook-timestamp"], self.headers["webhook-signature"] or ""
        signed = f"{self.headers['webhook-id']}.{sent}.".encode() + body
        wanted = b"v1," + base64.b64encode(hmac.digest(KEY, signed, "sha256"))
        fits = any(hmac.compare_digest(one.encode(), wanted) for one in told.split())
        return fits and abs(time.time() - int(sent)) < 300

    def tell(self, sku):
        if sku not in shown:
            return {"sku": sku, "outcome": "unmapped"}
        return {"sku": sku, "outcome": "shown", "quantity": shown[sku][2]}

    def take(self, item, sent_s):
        sku, order = item["sku"], (item["version"], sent_s)
        if sku not in shown:
            return self.tell(sku)
        if order < shown[sku][:2]:  # Something newer is shown. Equal ones are taken again.
            return {"sku": sku, "outcome": "stale", "version": shown[sku][0]}
        shown[sku] = (*order, item["quantity"])
        return {"sku": sku, "outcome": "applied", "quantity": item["quantity"]}

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())


HTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()
