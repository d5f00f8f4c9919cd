drop schema if exists pgqueue_demo cascade
