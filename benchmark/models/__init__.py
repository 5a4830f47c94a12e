"""peephole.models"""
