"""What tests share: where real data is, builders of packages and repositories, peers to be judged by."""
