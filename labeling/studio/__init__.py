"""Label Studio: a server of our own or another's, pushing what is asked, pulling what is answered.

``label_studio_sdk`` lives here. Nothing here knows what a case means; ``labeling.asking`` does.
"""
