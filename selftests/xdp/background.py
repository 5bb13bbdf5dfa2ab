#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Sends from eth0 what a host hears all day without being meant.

usage: background.py neighbours | backscatter TARGET MAC

neighbours   ARP of hosts for each other, DHCP, mDNS, SSDP, IGMP and spanning
             tree, as an office hears it in an hour
backscatter  answers to packets that somebody forged in the name of TARGET
"""
import random
import sys

from scapy.all import (ARP, BOOTP, DHCP, IP, LLC, STP, TCP, UDP, Dot3, Ether,
                       Raw, get_if_hwaddr, sendp)

BROADCAST = "ff:ff:ff:ff:ff:ff"
HOSTS = [f"10.0.9.{host}" for host in range(130, 150)]


def arp(src, dst):
    """A question of one neighbour for another."""
    return Ether(dst=BROADCAST) / ARP(psrc=src, pdst=dst)


def dhcp(kind, **options):
    """From a host that has no address yet."""
    mac = get_if_hwaddr("eth0")
    return (Ether(dst=BROADCAST) / IP(src="0.0.0.0", dst="255.255.255.255") /
            UDP(sport=68, dport=67) / BOOTP(chaddr=bytes.fromhex(
                mac.replace(":", ""))) /
            DHCP(options=[("message-type", kind), *options.items(), "end"]))


def multicast(src, group, mac, port):
    """A service that makes itself known."""
    return (Ether(dst=mac) / IP(src=src, dst=group, ttl=1) /
            UDP(sport=port, dport=port) / Raw(b"here"))


def neighbours():
    """What hosts on one wire say to all, or to each other."""
    for src, dst in zip(HOSTS, HOSTS[1:]):
        yield arp(src, dst)                       # a question
        yield arp(src, src)                       # gratuitous
        yield arp("0.0.0.0", src)                 # is it taken?
        yield multicast(src, "224.0.0.251", "01:00:5e:00:00:fb", 5353)
        yield multicast(src, "239.255.255.250", "01:00:5e:7f:ff:fa", 1900)
    for host in HOSTS:
        yield dhcp("discover")
        yield dhcp("request", requested_addr=host)
    yield (Ether(dst="01:00:5e:00:00:01") /
           IP(src=HOSTS[0], dst="224.0.0.1", proto=2, ttl=1) /
           Raw(bytes.fromhex("1164ee9b00000000")))
    yield Dot3(dst="01:80:c2:00:00:00") / LLC() / STP()


def backscatter(target, mac):
    """Servers answer SYNs that they believe to be the target's."""
    random.seed(1)
    for host in range(1, 31):
        for flags in ("SA", "R", "RA"):
            yield (Ether(dst=mac) / IP(src=f"198.51.100.{host}", dst=target) /
                   TCP(sport=443, dport=random.randrange(1024, 65536),
                       flags=flags, seq=1, ack=1))


FRAMES = {"neighbours": neighbours, "backscatter": backscatter}

frames = list(FRAMES[sys.argv[1]](*sys.argv[2:]))
sendp(frames, iface="eth0", verbose=False)
print(len(frames), "frames")
