"""peephole.datasets"""
